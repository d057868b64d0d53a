//! What the engine does to bring a container into being.

use super::{CgroupPlan, ExactU64, HostHooks, InitPlan, ResctrlPlan};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Everything that a container needs to come into being.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct LaunchPlan {
    /// What the container's state record says.
    pub record: RecordSeed,
    /// Where the host pid of the container's init is written, before its program runs.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pid_file: Option<String>,
    /// The cgroup to create, fill and join.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub cgroup: Option<CgroupPlan>,
    /// The share of caches and memory bandwidth.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub resctrl: Option<ResctrlPlan>,
    /// Written to /proc/PID/oom_score_adj (proc(5)); -1000…1000.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub oom_score_adj: Option<i32>,
    /// Hard limits of resources that init may have to raise and can't, in a user namespace of its own: raised from outside.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub hard_limits: Vec<HardLimit>,
    pub descriptors: Descriptors,
    /// The unix socket that gets the pty master (runc's `--console-socket`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub console_socket: Option<String>,
    /// The unix socket that gets a pidfd of init (runc's `--pidfd-socket`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pidfd_socket: Option<String>,
    /// Make the directory `notify` in the container's state directory, where `start` will put the sd_notify(3) socket.
    pub notify_directory: bool,
    /// The `linux.seccomp` section of the config, as JSON, with the values of conditions as decimal strings. The engine makes
    /// [`InitPlan::filter`] of it.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub seccomp: Option<String>,
    pub init: InitPlan,
}

/// The part of the state record that is known before the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RecordSeed {
    /// The directory of all containers' records.
    pub root: String,
    pub id: String,
    pub oci_version: String,
    pub bundle: String,
    pub rootfs: String,
    /// RFC 3339.
    pub created: String,
    pub annotations: BTreeMap<String, String>,
    /// linux.resources as JSON, for later updates.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub resources: Option<String>,
    /// What the engine runs on the host. It is kept with the record, since the last of them run when nothing else is left.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub hooks: Option<HostHooks>,
}

/// A hard limit of setrlimit(2): the number of the resource; `unlimited` is 18446744073709551615.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HardLimit {
    pub resource: u32,
    pub limit: ExactU64,
}

/// Which of the caller's descriptors the container gets, by their numbers in the caller. All others are closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Descriptors {
    /// They become 0, 1 and 2; -1 stands for one that is not open.
    pub stdio: [i32; 3],
    /// They become 3, 4, ….
    pub inherit: Vec<i32>,
}
