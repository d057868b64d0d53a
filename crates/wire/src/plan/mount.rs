//! Mounts inside the root.

use super::{IdMap, Step};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Propagation {
    Shared,
    Slave,
    Private,
    Unbindable,
}

/// A mount inside the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Mount {
    /// Where, inside the root. Made if it is missing: a directory, or a file for a source that is not a directory.
    /// `/`: over the root, which it then is.
    pub target: String,
    pub what: Mounted,
    /// Attributes of the mount itself.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub set: Vec<MountAttribute>,
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub clear: Vec<MountAttribute>,
    /// Attributes of the mount and all below it.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub set_recursively: Vec<MountAttribute>,
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub clear_recursively: Vec<MountAttribute>,
    /// In order, each with whether it applies to all mounts below.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub propagation: Vec<PropagationChange>,
    /// What few mounts need, in any order.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub special: Vec<Special>,
    /// Shows files with other owners than they have (`idmap`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub id_map: Option<MountIdMap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Special {
    /// Copy what the target holds into the new file system (`tmpcopyup`).
    CopyUp,
    /// Fail when the target or one above it is a symbolic link: for proc and sysfs.
    RealDirectory,
    /// Mount over the target itself where that is a symbolic link, not over what it points to (`dest-nofollow`).
    OverLink,
    /// Read-only only at `Step::ReadonlyMounts`, when all that goes into it is there.
    ReadonlyLast,
    /// Count the changes of each inode (`iversion`), which only mount(2) can ask for.
    CountChanges,
}

/// The ids of an id-mapped mount, as a user namespace has them: files of the id `inside` are shown as those of `outside`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct MountIdMap {
    pub ids: MappedIds,
    /// For the mounts below it too (`ridmap`).
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum MappedIds {
    /// These.
    Ranges { uids: Vec<IdMap>, gids: Vec<IdMap> },
    /// Those of the user namespace that this file refers to.
    Namespace { path: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Mounted {
    /// A new instance of a file system: fsopen(2), with its parameters in order.
    Filesystem { kind: String, parameters: Vec<Parameter> },
    /// A view of a host path.
    Bind {
        source: String,
        recursive: bool,
        /// What to do where the source is a symbolic link; without it, what that points to is bound.
        #[cfg_attr(feature = "typescript", ts(optional))]
        link: Option<SourceLink>,
    },
    /// What is mounted at the target already (`remount`): its attributes change, and these parameters of its file system.
    Existing { parameters: Vec<Parameter> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum SourceLink {
    /// Bind the link itself (`src-nofollow`).
    Bind,
    /// Make the same link at the target, and mount nothing (`copy-symlink`).
    Copy,
}

/// A parameter of a file system: a flag, or a name with a value (fsconfig(2)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Parameter {
    pub name: String,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub value: Option<String>,
}

/// mount_setattr(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum MountAttribute {
    Ro,
    Nosuid,
    Nodev,
    Noexec,
    Noatime,
    Strictatime,
    Relatime,
    Nodiratime,
    Nosymfollow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PropagationChange {
    pub to: Propagation,
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Device {
    /// Inside the root.
    pub path: String,
    /// `b`, `c`, `u` (the same as `c`) or `p`.
    pub kind: String,
    pub major: u32,
    pub minor: u32,
    /// Permission bits; not reduced by the umask.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// A change of the mounts of a container that is there: all of it, or after a failure nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct MountsPlan {
    /// The directory of all containers' records.
    pub root: String,
    pub id: String,
    /// The propagation of what is bound: that of the container's own mounts.
    pub propagation: Propagation,
    /// Mounts or [`Step::Unmount`], then [`Step::Done`].
    pub steps: Vec<Step>,
    /// What the saved configuration said when the plan was made: where it says something else by now, the failure is EAGAIN.
    pub before: String,
}

/// The kernel's filesystems/overlayfs documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Overlay {
    /// A directory of the host that gets the changes, as the directory `upper` in it, beside `work`; both are made if they are missing. None:
    /// they are in memory, and gone with the container.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub changes: Option<String>,
    /// Of `changes`: as that of the root.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub id_map: Option<MappedIds>,
    /// Those of the overlay beside its layers.
    pub parameters: Vec<Parameter>,
}
