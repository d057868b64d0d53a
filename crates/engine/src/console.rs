//! Hand-over of descriptors to whoever started us: the pty master through `--console-socket`, a pidfd through `--pidfd-socket`.
//!
//! The format is runc's, and containerd, conmon and buildah rely on it: one message with one descriptor and a name for it of
//! 1 to 4095 bytes.

use crate::{failing::Failing, unix_socket};
use rustix::{
    fd::BorrowedFd,
    io::{self, Errno, IoSlice},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, sendmsg},
};
use std::mem::MaybeUninit;
use wire::Failure;

/// Sends a container's pty master to the console socket at `path`.
pub fn send(path: &str, master: BorrowedFd<'_>) -> Result<(), Failure> {
    hand_over(path, master, "/dev/ptmx").failing("send the terminal to console socket", path)
}

/// Sends a pidfd to the socket at `path`; runc's names for them are `standard` for a container's init, `setns` for another process.
pub fn send_pidfd(path: &str, pidfd: BorrowedFd<'_>, name: &str) -> Result<(), Failure> {
    hand_over(path, pidfd, name).failing("send the pidfd to socket", path)
}

fn hand_over(path: &str, descriptor: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    let socket = unix_socket::connect_to(path, SocketType::STREAM)?;
    let descriptors = [descriptor];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(Errno::NOBUFS);
    }
    io::retry_on_intr(|| sendmsg(&socket, &[IoSlice::new(name.as_bytes())], &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
