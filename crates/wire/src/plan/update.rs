//! New values for a cgroup that is there.

use super::{CgroupWrite, DeviceRule, UnitProperty};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// New values for the cgroup of a container that is there: all of them, or after a failure none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UpdatePlan {
    pub root: String,
    pub id: String,
    pub hierarchies: Vec<HierarchyWrites>,
    /// None: the device rules that are there stay.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub devices: Option<DeviceChange>,
    /// The same for its systemd unit, if it has one.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub unit_properties: Vec<UnitProperty>,
    /// New shares of its control group of resctrl.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub resctrl: Option<ResctrlUpdate>,
    /// What the record is to say of linux.resources, as JSON.
    pub resources: String,
    /// What it said when the plan was made: where it says something else by now, the failure is EAGAIN.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub before: Option<String>,
}

/// Lines for the file `schemata` of a control group of resctrl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ResctrlUpdate {
    /// Its directory.
    pub group: String,
    pub schemata: Vec<String>,
}

/// Device rules that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeviceChange {
    /// All rules so far: v1 does not tell them.
    pub from: Vec<DeviceRule>,
    pub to: Vec<DeviceRule>,
}

/// The values of one hierarchy in an [`UpdatePlan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HierarchyWrites {
    /// Where it is mounted.
    pub mount: String,
    /// 1 or 2.
    pub version: u8,
    pub writes: Vec<CgroupWrite>,
}
