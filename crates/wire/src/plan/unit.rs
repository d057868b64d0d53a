//! The unit that a container is to systemd.

use super::ExactU64;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A transient scope of systemd: org.freedesktop.systemd1(5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UnitPlan {
    /// `gantry-box.scope`.
    pub name: String,
    /// It is the user's own manager that has it, not the system's.
    pub user: bool,
    /// All but its first process.
    pub properties: Vec<UnitProperty>,
}

/// A property of a unit, as it is set over D-Bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UnitProperty {
    pub name: String,
    pub value: BusValue,
}

/// A value of D-Bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum BusValue {
    Boolean(bool),
    Byte(u8),
    Int16(i16),
    Uint16(u16),
    Int32(i32),
    Uint32(u32),
    /// In decimal.
    Int64(String),
    Uint64(ExactU64),
    Double(f64),
    String(String),
    ObjectPath(String),
    Signature(String),
    Array {
        /// The signature of each item.
        element: String,
        items: Vec<BusValue>,
    },
    Struct(Vec<BusValue>),
}
