//! The share of caches and memory bandwidth.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A control group of resctrl (the kernel's filesystems/resctrl documentation), and what the container does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ResctrlPlan {
    /// Its directory: `/sys/fs/resctrl/NAME`, or the root of resctrl.
    pub group: String,
    pub create: ResctrlCreate,
    /// Lines of the file `schemata`: written to a new group, and what one that is there has to say already.
    pub schemata: Vec<String>,
    /// The directory of a monitoring group, made for the container.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub monitoring: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ResctrlCreate {
    /// It has to be there.
    Never,
    /// Made if it is missing, and left there.
    IfMissing,
    /// Made for the container, and removed with it.
    Own,
}
