//! namespaces(7): which kind a file is of, joining one, making new ones.

use crate::checked;
use rustix::{
    fd::{AsRawFd, BorrowedFd},
    io,
};
use syscalls::{Sysno, syscall};

/// CLONE_* bits (sched.h).
pub mod kind {
    pub const TIME: u32 = 0x80;
    pub const MOUNT: u32 = 0x2_0000;
    pub const CGROUP: u32 = 0x200_0000;
    pub const UTS: u32 = 0x400_0000;
    pub const IPC: u32 = 0x800_0000;
    pub const USER: u32 = 0x1000_0000;
    pub const PID: u32 = 0x2000_0000;
    pub const NETWORK: u32 = 0x4000_0000;
}

const NS_GET_NSTYPE: u32 = 0xb703;

/// The kind of the namespace that `file` refers to, as a CLONE_* bit: NS_GET_NSTYPE (ioctl_ns(2)).
///
/// Fails with `ENOTTY` when the file is not one of a namespace.
pub fn kind_of(file: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: NS_GET_NSTYPE takes no argument and writes no memory; `file` stays open by its borrow.
    let kind = checked(unsafe { syscall!(Sysno::ioctl, file.as_raw_fd(), NS_GET_NSTYPE) })?;
    u32::try_from(kind).map_err(|_| io::Errno::RANGE)
}

/// Moves this process, which has one thread, into the namespace: setns(2).
pub fn join(file: BorrowedFd<'_>, kind: u32) -> io::Result<()> {
    // SAFETY: setns takes two numbers; `file` stays open by its borrow. Descriptors are not affected by any kind.
    checked(unsafe { syscall!(Sysno::setns, file.as_raw_fd(), kind) }).map(drop)
}

/// Moves this process into new namespaces of these kinds: unshare(2).
///
/// Only namespace bits may be given: CLONE_FILES would break the ownership of descriptors in other threads.
pub fn unshare(kinds: u32) -> io::Result<()> {
    // SAFETY: unshare takes a number; with namespace bits only, no memory or descriptor is affected.
    checked(unsafe { syscall!(Sysno::unshare, kinds) }).map(drop)
}
