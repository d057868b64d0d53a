//! Signals to the process that a pidfd refers to.

use crate::checked;
use rustix::{
    fd::{AsRawFd, BorrowedFd},
    io,
};
use syscalls::{Sysno, syscall};

/// Sends any signal, real-time ones and 0 (a test for existence) too: pidfd_send_signal(2).
///
/// Fails with `ESRCH` when the process is gone, `EINVAL` when there is no such signal.
pub fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    // SAFETY: numbers and a null siginfo, which makes the kernel fill one in; the borrow keeps the descriptor open.
    checked(unsafe { syscall!(Sysno::pidfd_send_signal, pidfd.as_raw_fd(), signal, 0, 0) }).map(drop)
}
