//! Descriptors that cross a boundary as numbers: from a caller, or from a program that outlives a call.

use rustix::{
    fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    io::{self, Errno},
};
use std::fs;

/// Descriptor `number` of this process, if it is open: one that the caller promised to keep open during the call.
pub fn borrow<'a>(number: i32) -> io::Result<BorrowedFd<'a>> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: `number` is not -1; whether it is open is asked next, and the caller keeps it so.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(descriptor)?;
    Ok(descriptor)
}

/// Takes over descriptor `number`, which this engine handed out before as a number and nobody has taken over since.
pub fn adopt(number: i32) -> io::Result<OwnedFd> {
    borrow(number)?;
    // SAFETY: it is open, and by the contract above nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The pid, in our PID namespace, of the process that a pidfd refers to (proc_pid_fdinfo(5)).
pub fn pid_of(pidfd: BorrowedFd<'_>) -> io::Result<i32> {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd());
    let text = fs::read_to_string(path).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    pid.filter(|pid| *pid > 0).ok_or(Errno::SRCH)
}
