//! Namespaces, and the ids in them.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum NamespaceKind {
    User,
    Pid,
    Mount,
    Network,
    Ipc,
    Uts,
    Cgroup,
    Time,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Namespace {
    pub kind: NamespaceKind,
    /// A file that refers to the namespace to join; none for a new one.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub path: Option<String>,
}

/// The id maps of a new user namespace (user_namespaces(7)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdMaps {
    pub uids: Vec<IdMap>,
    pub gids: Vec<IdMap>,
    /// Through newuidmap(1) and newgidmap(1), which may map the ranges of subuid(5), instead of by the engine itself.
    pub helpers: bool,
    /// Write `deny` to /proc/PID/setgroups first: what an unprivileged writer of gid_map has to do.
    pub deny_setgroups: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct JoinedIds {
    pub uids: Vec<IdMap>,
    pub gids: Vec<IdMap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdMap {
    pub inside: u32,
    pub outside: u32,
    pub size: u32,
}
