//! A container's cgroup.

use super::UnitPlan;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A cgroup, as directories in one or more hierarchies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CgroupPlan {
    pub hierarchies: Vec<HierarchyPlan>,
    /// Device access, in order, the last match wins (cgroup v1 devices.allow/deny; an eBPF program on v2).
    pub devices: Vec<DeviceRule>,
    /// Go on without a cgroup where the caller may not create one: an unprivileged user's container without limits.
    pub optional: bool,
    /// What of its v2 cgroup the container may do with as it likes; none: nothing.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub delegation: Option<Delegation>,
    /// The systemd unit that it belongs to. systemd makes the directory then, where the hierarchies' paths say.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub unit: Option<UnitPlan>,
}

/// A v2 cgroup that is handed over to a container (cgroup-v2.rst, "Delegation").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Delegation {
    /// A directory below that of the container, without a leading slash, which its processes join in place of that one. The
    /// limits stay above it, out of their reach. None: the container's own directory is handed over.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub below: Option<String>,
    /// The host uid that the directory is given to; none: it stays the caller's.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub owner: Option<u32>,
}

/// The container's directory in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HierarchyPlan {
    /// Where the hierarchy is mounted: `/sys/fs/cgroup/memory`, `/sys/fs/cgroup`.
    pub mount: String,
    /// 1 or 2.
    pub version: u8,
    /// v1: the controllers of this hierarchy (`cpu`, `cpuacct`; `name=systemd`). v2: those to enable on the way down.
    pub controllers: Vec<String>,
    /// The directory below `mount`, without a leading slash.
    pub path: String,
    /// Values to write after creation, in order.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub writes: Vec<CgroupWrite>,
}

/// One value written to one file of a cgroup directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CgroupWrite {
    /// A name without a slash.
    pub file: String,
    pub value: String,
    /// What happens where the kernel has no such file. None: that is an error.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub otherwise: Option<Otherwise>,
    /// A file whose number the value must not be below: else nothing at all is written, and the failure is EBUSY.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub at_least: Option<String>,
}

/// What takes the place of a value whose file is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Otherwise {
    /// The value asks for what is the case without the file.
    Nothing,
    /// The same for another file, which must be there.
    Write { file: String, value: String },
}

/// A rule of the devices controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeviceRule {
    pub allow: bool,
    /// `a` (all), `b` or `c`.
    pub kind: String,
    /// None: any.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub major: Option<u32>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub minor: Option<u32>,
    /// Letters of `rwm`.
    pub access: String,
}
