//! Reading from a stream socket as much as was promised, and the descriptor that may come along: recvmsg(2), unix(7).

use core::mem::MaybeUninit;
use rustix::{
    fd::{BorrowedFd, OwnedFd},
    io::{self, Errno, IoSliceMut},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};

/// Fills the buffer. A descriptor that comes with the bytes takes the place of the one in `descriptor`.
///
/// Fails with `EPIPE` when the stream ends before that.
pub fn fill(socket: BorrowedFd<'_>, buffer: &mut [u8], descriptor: &mut Option<OwnedFd>) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        match recvmsg(socket, &mut [IoSliceMut::new(rest)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) if received.bytes == 0 => return Err(Errno::PIPE),
            Ok(received) => filled += received.bytes,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                *descriptor = descriptors.last().or(descriptor.take());
            }
        }
    }
    Ok(())
}
