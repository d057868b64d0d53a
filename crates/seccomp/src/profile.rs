//! The types of the section `linux.seccomp`, as config-linux.md has them.

use crate::architecture::Architecture;
use serde::{Deserialize, Deserializer, Serialize};

/// The section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub default_action: Action,
    /// What [`Action::Errno`] returns, or [`Action::Trace`] tells the tracer, as the default action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_errno_ret: Option<u32>,
    /// Those whose calls are checked beside the native ones. All others are refused.
    #[serde(default, deserialize_with = "list")]
    pub architectures: Vec<Architecture>,
    /// Absent means `[SpecAllow]`, an empty list means none, both as in runc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Vec<Flag>>,
    /// The unix socket that gets the descriptor of the notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener_path: Option<String>,
    /// Passed on to that socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener_metadata: Option<String>,
    #[serde(default, deserialize_with = "list")]
    pub syscalls: Vec<Rule>,
}

/// An entry of `syscalls`: what happens to these calls, if all conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// At least one.
    pub names: Vec<String>,
    pub action: Action,
    /// As [`Profile::default_errno_ret`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno_ret: Option<u32>,
    #[serde(default, deserialize_with = "list")]
    pub args: Vec<Condition>,
}

/// An entry of `args`: a comparison of an argument, unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Of the argument, from 0 to 5.
    pub index: u32,
    /// What it is compared with; of [`Operator::MaskedEqual`], the mask.
    #[serde(deserialize_with = "exact")]
    pub value: u64,
    /// What the masked argument is compared with.
    #[serde(default, deserialize_with = "exact")]
    pub value_two: u64,
    pub op: Operator,
}

/// What happens to a call: seccomp(2), "Filter return values".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// As [`Action::KillThread`].
    #[serde(rename = "SCMP_ACT_KILL")]
    Kill,
    #[serde(rename = "SCMP_ACT_KILL_PROCESS")]
    KillProcess,
    #[serde(rename = "SCMP_ACT_KILL_THREAD")]
    KillThread,
    #[serde(rename = "SCMP_ACT_TRAP")]
    Trap,
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Errno,
    #[serde(rename = "SCMP_ACT_TRACE")]
    Trace,
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
    #[serde(rename = "SCMP_ACT_LOG")]
    Log,
    #[serde(rename = "SCMP_ACT_NOTIFY")]
    Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    #[serde(rename = "SCMP_CMP_NE")]
    NotEqual,
    #[serde(rename = "SCMP_CMP_LT")]
    Less,
    #[serde(rename = "SCMP_CMP_LE")]
    LessOrEqual,
    #[serde(rename = "SCMP_CMP_EQ")]
    Equal,
    #[serde(rename = "SCMP_CMP_GE")]
    GreaterOrEqual,
    #[serde(rename = "SCMP_CMP_GT")]
    Greater,
    /// The argument and `value` (bitwise) is `valueTwo`.
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEqual,
}

/// An entry of `flags`: seccomp(2), SECCOMP_SET_MODE_FILTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Flag {
    #[serde(rename = "SECCOMP_FILTER_FLAG_TSYNC")]
    Tsync,
    #[serde(rename = "SECCOMP_FILTER_FLAG_LOG")]
    Log,
    #[serde(rename = "SECCOMP_FILTER_FLAG_SPEC_ALLOW")]
    SpecAllow,
    /// Only together with [`Action::Notify`].
    #[serde(rename = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")]
    WaitKillableRecv,
}

impl Action {
    /// The value that a filter returns, without an errno.
    pub(crate) const fn value(self) -> u32 {
        match self {
            Self::KillProcess => 0x8000_0000,
            Self::Kill | Self::KillThread => 0,
            Self::Trap => 0x0003_0000,
            Self::Errno => 0x0005_0000,
            Self::Notify => 0x7fc0_0000,
            Self::Trace => 0x7ff0_0000,
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }

    /// Whether a call of an unknown kind gets through, or to someone who can judge it.
    pub(crate) const fn is_permissive(self) -> bool {
        matches!(self, Self::Allow | Self::Log | Self::Trace | Self::Notify)
    }
}

/// A list, which Go programs may write as null when it is empty.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A number, or its decimal digits: writers of JSON that know no integers would round a long one.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Digits(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Digits(digits) => digits.parse().map_err(serde::de::Error::custom),
    }
}
