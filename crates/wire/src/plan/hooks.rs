//! Programs of the user's that are run at given moments of a container's life.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// The hooks that run in the namespaces of the runtime, by when they do (runtime-spec, config.md). Those of one kind in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HostHooks {
    /// At `Step::HostHooks`.
    pub prestart: Vec<Hook>,
    /// After those.
    pub create_runtime: Vec<Hook>,
    /// Once the program runs.
    pub poststart: Vec<Hook>,
    /// Once nothing is left of the container but its record.
    pub poststop: Vec<Hook>,
    pub output: HookOutput,
}

/// A program of the user's that is run at one moment of a container's life, with the container's state on standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Hook {
    pub path: String,
    /// At least one.
    pub args: Vec<String>,
    /// All of its environment.
    pub env: Vec<String>,
    /// Seconds, after which it is killed.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub timeout: Option<u32>,
}

/// Files that take what hooks write. What has none is kept, its end, for the message about a hook that fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HookOutput {
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub stdout: Option<String>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub stderr: Option<String>,
}

/// Hooks that init runs itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct InitHooks {
    pub hooks: Vec<Hook>,
    /// The container's state as a JSON object that has members, but no `pid`: init puts that in, as it knows itself.
    pub state: String,
    /// Opened on the host.
    pub output: HookOutput,
}
