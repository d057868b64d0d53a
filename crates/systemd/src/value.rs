//! Properties of a plan as values of D-Bus.

use rustix::io::Errno;
use wire::{
    Failure,
    plan::{BusValue, UnitProperty},
};
use zbus::{Array, ObjectPath, Signature, Structure, Variant};

pub fn properties(properties: &[UnitProperty]) -> Result<Vec<(&str, Variant<'_>)>, Failure> {
    let invalid = |name: &str| Failure::new("set systemd property", name, Errno::INVAL.raw_os_error());
    properties
        .iter()
        .map(|UnitProperty { name, value }| Ok((name.as_str(), variant(value).ok_or_else(|| invalid(name))?)))
        .collect()
}

/// None for what D-Bus has no such value of: a path that is none, an array whose items are of several types.
fn variant(value: &BusValue) -> Option<Variant<'_>> {
    Some(match value {
        BusValue::Boolean(value) => Variant::Bool(*value),
        BusValue::Byte(value) => Variant::U8(*value),
        BusValue::Int16(value) => Variant::I16(*value),
        BusValue::Uint16(value) => Variant::U16(*value),
        BusValue::Int32(value) => Variant::I32(*value),
        BusValue::Uint32(value) => Variant::U32(*value),
        BusValue::Int64(text) => Variant::I64(text.parse().ok()?),
        BusValue::Uint64(value) => Variant::U64(value.0),
        BusValue::Double(value) => Variant::F64(*value),
        BusValue::String(text) => Variant::Str(text.as_str().into()),
        BusValue::ObjectPath(text) => Variant::ObjectPath(ObjectPath::try_from(text.as_str()).ok()?),
        BusValue::Signature(text) => Variant::Signature(Signature::try_from(text.as_str()).ok()?),
        BusValue::Array { element, items } => {
            let mut array = Array::new(&Signature::try_from(element.as_str()).ok()?);
            for item in items {
                array.append(variant(item)?).ok()?;
            }
            Variant::Array(array)
        }
        BusValue::Struct(fields) => {
            let mut builder = Structure::builder();
            for field in fields {
                builder.push_value(variant(field)?);
            }
            Variant::Structure(builder.build().ok()?)
        }
    })
}
