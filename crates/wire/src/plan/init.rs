//! What init does, as a whole.

use super::{IdMaps, JoinedIds, Namespace, NamespaceKind, Propagation, Step};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What init does. Sent to it in one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct InitPlan {
    /// New (no path) or joined (a path) namespaces. A kind that is absent stays the caller's.
    pub namespaces: Vec<Namespace>,
    /// How ids map in a new user namespace.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub id_maps: Option<IdMaps>,
    /// The ids that a joined user namespace has to have: the config says them too.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub joined_ids: Option<JoinedIds>,
    /// Lines for /proc/PID/timens_offsets (time_namespaces(7)), for a new time namespace.
    pub time_offsets: Vec<String>,
    /// Interfaces that the engine moves into the network namespace once that is there.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub net_devices: Vec<NetDevice>,
    /// Take hold of the mount sources before the user namespace is entered, with the caller's rights.
    /// Needs CAP_SYS_ADMIN; without it they are taken afterwards, from the copied mount namespace.
    pub sources_first: bool,
    /// For a process in a container that is there: the namespaces of its init that are to be entered, through a pidfd that the helper
    /// is started with. The engine knows them.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub enter: Option<Vec<NamespaceKind>>,
    pub steps: Vec<Step>,
    /// The propagation of what is bound, for a container that is there. Not written by TypeScript, but by the engine.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub bind_propagation: Option<Propagation>,
    /// What the program's system calls go through: seccomp(2). Not written by TypeScript, but by the engine.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub filter: Option<Filter>,
}

impl InitPlan {
    fn namespace(&self, kind: NamespaceKind) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.kind == kind)
    }

    fn is_new(&self, kind: NamespaceKind) -> bool {
        self.namespace(kind).is_some_and(|namespace| namespace.path.is_none())
    }

    /// Whether init has to fork once it has set its namespaces up: a process enters a PID namespace only as a child
    /// (pid_namespaces(7)), and its own new time namespace likewise.
    pub fn forks(&self) -> bool {
        let pid = self.namespace(NamespaceKind::Pid);
        self.is_new(NamespaceKind::Time) || (pid.is_some() && !self.pid_namespace_at_clone())
    }

    /// Whether the engine clones init straight into the new PID namespace: unless that has to belong to a user namespace
    /// entered first, or init forks anyway.
    pub fn pid_namespace_at_clone(&self) -> bool {
        self.is_new(NamespaceKind::Pid)
            && self.namespace(NamespaceKind::User).is_none()
            && !self.is_new(NamespaceKind::Time)
    }
}

/// A seccomp filter as the kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The fields of struct sock_filter, in their order.
    pub instructions: Vec<(u16, u8, u8, u32)>,
    /// Of SECCOMP_SET_MODE_FILTER.
    pub flags: u32,
}

/// A network interface of the host that the container gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct NetDevice {
    /// Its name in the caller's network namespace.
    pub host: String,
    /// Its new name, in which the kernel puts the first free number for `%d`. None: it keeps its name.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub name: Option<String>,
}
