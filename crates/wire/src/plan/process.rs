//! What becomes of init: its scheduling, terminal, rights and program.

use super::ExactU64;
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// struct sched_attr of sched_setattr(2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Scheduler {
    /// The number of the policy.
    pub policy: u32,
    pub flags: u32,
    /// -20…19.
    pub nice: i32,
    /// 0…99.
    pub priority: u32,
    /// Nanoseconds, of SCHED_DEADLINE.
    pub runtime: ExactU64,
    pub deadline: ExactU64,
    pub period: ExactU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Terminal {
    /// A pty slave on the host (the seed's `--console`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub slave: Option<String>,
    /// The size, if it is to be set: rows and columns (ioctl_tty(2)).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub rows: Option<u16>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub columns: Option<u16>,
    /// The master is a stream of our caller's, which shows it in its own way: it stays as a pty is at first, rather than be set up
    /// to be joined to our terminal.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub plain: bool,
    /// Who owns the pty slave.
    pub uid: u32,
    /// Bind it on /dev/console.
    pub console: bool,
}

/// credentials(7), capabilities(7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
    /// The supplementary groups, exactly; none where setgroups(2) is denied.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub groups: Option<Vec<u32>>,
    /// None: all sets stay what the change of user makes of them.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub capabilities: Option<CapabilitySets>,
    /// Stay able to load a filter without no_new_privs: keep CAP_SYS_ADMIN permitted and effective until execve(2), which takes
    /// away what is not in the bounding set.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub keep_admin: bool,
}

/// The five capability sets, each as the numbers of its capabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CapabilitySets {
    pub bounding: Vec<u8>,
    pub effective: Vec<u8>,
    pub permitted: Vec<u8>,
    pub inheritable: Vec<u8>,
    pub ambient: Vec<u8>,
}

/// What the container runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Program {
    /// At least one; the first names the program.
    pub args: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Add HOME from the container's /etc/passwd entry of this uid (`/` without one).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub home_of: Option<u32>,
    /// Add LISTEN_PID with the process's own pid: sd_listen_fds(3).
    pub listen_pid: bool,
}
