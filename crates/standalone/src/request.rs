//! A JavaScript value as a request of the engine: what JSON.stringify and a JSON parser would make of it, without the text between.
//! For a plan that text would cost as much as making the plan.
//!
//! The fields of a struct are asked for by their names, and others passed over. The names are TypeScript's own, checked by its
//! compiler; the Node host, where the same requests are text, does refuse unknown ones.

use rquickjs::Value;
use serde::{
    Deserializer,
    de::{
        Error as _, IntoDeserializer, Visitor,
        value::{Error, MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

pub struct Request<'js>(pub Value<'js>);

impl<'js> Request<'js> {
    /// The properties of an object that have a value.
    fn entries(self) -> Result<impl Iterator<Item = (String, Request<'js>)>, Error> {
        let object = self.0.into_object().ok_or_else(|| Error::custom("expected an object"))?;
        let entries: Vec<(String, Value)> = object.props().collect::<rquickjs::Result<_>>().map_err(Error::custom)?;
        Ok(entries.into_iter().filter(|(_, value)| !value.is_undefined()).map(|(name, value)| (name, Request(value))))
    }
}

impl<'de> Deserializer<'de> for Request<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = self.0;
        if let Some(integer) = value.as_int() {
            visitor.visit_i32(integer)
        } else if let Some(text) = value.as_string() {
            visitor.visit_string(text.to_string().map_err(Error::custom)?)
        } else if let Some(truth) = value.as_bool() {
            visitor.visit_bool(truth)
        } else if let Some(array) = value.as_array() {
            let items: Vec<Value> = array.iter().collect::<rquickjs::Result<_>>().map_err(Error::custom)?;
            visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Request)))
        } else if value.is_object() {
            visitor.visit_map(MapDeserializer::new(Request(value).entries()?))
        } else if let Some(number) = value.as_float() {
            // The engine keeps whole numbers of more than 32 bits as this too.
            let whole = number.fract() == 0.0 && number.abs() < 2_f64.powi(53);
            if whole { visitor.visit_i64(number as i64) } else { visitor.visit_f64(number) }
        } else {
            visitor.visit_unit()
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_undefined() || self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let object = self.0.into_object().ok_or_else(|| Error::custom("expected an object"))?;
        let mut entries = Vec::with_capacity(fields.len());
        for name in fields {
            let value: Value = object.get(*name).map_err(Error::custom)?;
            if !value.is_undefined() {
                entries.push((*name, Request(value)));
            }
        }
        visitor.visit_map(MapDeserializer::new(entries.into_iter()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// `"name"` or `{ name: value }`.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0.as_string() {
            Some(name) => visitor.visit_enum(name.to_string().map_err(Error::custom)?.into_deserializer()),
            None => visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(self.entries()?))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for Request<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
