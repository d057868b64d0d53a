//! Pseudo-terminals: the ioctl that rustix lacks (ioctl_tty(2)).

use crate::checked;
use rustix::{
    fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    io,
};
use syscalls::{Sysno, syscall};

const TIOCGPTPEER: u32 = 0x5441;
const TIOCSPTLCK: u32 = 0x4004_5431;
const O_RDWR_NOCTTY_CLOEXEC: u32 = 0x2 | 0x100 | 0x8_0000;

/// Lets the slave of this pty master be opened: unlockpt(3).
pub fn unlock(master: BorrowedFd<'_>) -> io::Result<()> {
    let unlocked = 0i32;
    // SAFETY: TIOCSPTLCK reads an int, which outlives the call; `master` stays open by its borrow.
    checked(unsafe { syscall!(Sysno::ioctl, master.as_raw_fd(), TIOCSPTLCK, &raw const unlocked) }).map(drop)
}

/// Opens the slave of this pty master, without a path that somebody could have replaced: TIOCGPTPEER, Linux 4.13.
pub fn open_peer(master: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: TIOCGPTPEER takes open flags as a number; `master` stays open by its borrow.
    let raw = checked(unsafe { syscall!(Sysno::ioctl, master.as_raw_fd(), TIOCGPTPEER, O_RDWR_NOCTTY_CLOEXEC) })?;
    let raw = i32::try_from(raw).map_err(|_| io::Errno::RANGE)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}
