//! Numbers that a JSON number can't hold.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// A 64-bit number that crosses JSON exactly: as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactU64(pub u64);

#[cfg(feature = "typescript")]
impl ts_rs::TS for ExactU64 {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    fn name(_: &ts_rs::Config) -> std::string::String {
        "string".into()
    }
    fn inline(config: &ts_rs::Config) -> std::string::String {
        <Self as ts_rs::TS>::name(config)
    }
}

impl Serialize for ExactU64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(&self.0) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for ExactU64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map(Self).map_err(|_| serde::de::Error::custom("not an unsigned 64-bit number"))
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}
