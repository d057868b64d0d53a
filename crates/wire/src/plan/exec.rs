//! Another process in a container that is there.

use super::{Descriptors, HardLimit, Step};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Another process in a container that is there: what the engine does on the host, and the steps that the helper runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ExecPlan {
    /// The directory of all containers' records.
    pub root: String,
    pub id: String,
    /// Go on although the container is paused: the process then waits, like all others there, to be resumed.
    pub ignore_paused: bool,
    /// Where below the container's cgroup, in those hierarchies that are named, and nowhere else. None: in the container's cgroup, or
    /// where init is if that one can't have processes (cgroups(7): no internal processes).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub cgroup: Option<Vec<SubCgroup>>,
    /// Where the host pid of the process is written, once it has become its program.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pid_file: Option<String>,
    /// As in `LaunchPlan`.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub oom_score_adj: Option<i32>,
    /// As in `LaunchPlan`.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub hard_limits: Vec<HardLimit>,
    /// The processors that the helper runs on before it is in the container's cgroup. None: those that we may.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub first_cpus: Option<Vec<u32>>,
    pub descriptors: Descriptors,
    /// As in `LaunchPlan`.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub console_socket: Option<String>,
    /// The unix socket that gets a pidfd of the process.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pidfd_socket: Option<String>,
    /// Under the container's seccomp filter, as the launch has compiled it.
    pub seccomp: bool,
    pub steps: Vec<Step>,
}

/// A directory below a container's own in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SubCgroup {
    /// Where the hierarchy is mounted.
    pub mount: String,
    /// Relative to the container's directory; empty for that one itself.
    pub path: String,
}
