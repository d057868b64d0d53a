//! mount_setattr(2), and the parts of the new mount API that rustix leaves to the caller.

use crate::checked;
use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    io,
    mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree},
};
use syscalls::{Sysno, syscall};

const AT_EMPTY_PATH: u32 = 0x1000;
const AT_RECURSIVE: u32 = 0x8000;

/// Attributes of a mount, by the kernel's bits (MOUNT_ATTR_*; linux/mount.h).
pub mod attribute {
    pub const RDONLY: u64 = 0x1;
    pub const NOSUID: u64 = 0x2;
    pub const NODEV: u64 = 0x4;
    pub const NOEXEC: u64 = 0x8;
    /// The mask of the three access-time modes: relatime (0), noatime, strictatime. Must be cleared to set one.
    pub const ATIME_MASK: u64 = 0x70;
    pub const NOATIME: u64 = 0x10;
    pub const STRICTATIME: u64 = 0x20;
    pub const NODIRATIME: u64 = 0x80;
    pub(super) const IDMAP: u64 = 0x10_0000;
    pub const NOSYMFOLLOW: u64 = 0x20_0000;
}

/// Propagation types (MS_*; mount(2)).
pub mod propagation {
    pub const UNBINDABLE: u64 = 1 << 17;
    pub const PRIVATE: u64 = 1 << 18;
    pub const SLAVE: u64 = 1 << 19;
    pub const SHARED: u64 = 1 << 20;
}

/// A change of a mount: struct mount_attr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Change {
    pub set: u64,
    pub clear: u64,
    /// 0: unchanged.
    pub propagation: u64,
    /// The descriptor of the user namespace of an id-mapped mount; only with [`attribute::IDMAP`].
    user_namespace: u64,
}

impl Change {
    pub fn set(set: u64) -> Self {
        Self { set, ..Self::default() }
    }

    pub fn attributes(set: u64, clear: u64) -> Self {
        Self { set, clear, ..Self::default() }
    }

    pub fn propagation(propagation: u64) -> Self {
        Self { propagation, ..Self::default() }
    }
}

/// Changes the mount that `mount` is on, and with `recursive` all below it: mount_setattr(2), Linux 5.12.
///
/// Fails with `EPERM` when a flag to clear is locked by a more privileged user namespace.
pub fn change(mount: BorrowedFd<'_>, recursive: bool, change: Change) -> io::Result<()> {
    let flags = AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty NUL-terminated string; the attribute points to a struct mount_attr of the size given,
    // which outlives the call and is only read; `mount` stays open by its borrow.
    let result = unsafe {
        syscall!(Sysno::mount_setattr, mount.as_raw_fd(), c"".as_ptr(), flags, &raw const change, size_of::<Change>())
    };
    checked(result).map(drop)
}

/// Shows the files of a detached mount, and with `recursive` of all below it, with other owners: MOUNT_ATTR_IDMAP of
/// mount_setattr(2), by the ids of a user namespace.
///
/// Fails with `EINVAL` when the file system has no id-mapped mounts or the mount is one already, with `EPERM` without rights
/// over the file system.
pub fn map_ids(mount: BorrowedFd<'_>, recursive: bool, user_namespace: BorrowedFd<'_>) -> io::Result<()> {
    let namespace = u64::try_from(user_namespace.as_raw_fd()).map_err(|_| io::Errno::BADF)?;
    change(mount, recursive, Change { user_namespace: namespace, ..Change::set(attribute::IDMAP) })
}

/// A detached copy of the mount at `place`, and with `recursive` of all below it: open_tree(2).
pub fn clone(place: BorrowedFd<'_>, recursive: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    open_tree(place, c"", flags)
}

/// Attaches a detached mount at the place that `target` refers to: move_mount(2).
pub fn attach(mount: impl AsFd, target: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, c"", target, c"", flags)
}
