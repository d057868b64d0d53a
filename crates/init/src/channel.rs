//! Our end of the channel: frames over a stream socket (wire::frame draws the conversation).

use crate::failing::Failing;
use core::mem::MaybeUninit;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::{Errno, IoSlice},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};
use serde::Serialize;
use wire::{
    Failure,
    frame::{self, FromInit, ToInit},
};

pub struct Channel {
    socket: OwnedFd,
}

impl Channel {
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn send(&self, message: &FromInit) -> Result<(), Failure> {
        self.send_all(message, &[])
    }

    /// Sends a message with a descriptor.
    pub fn send_with(&self, message: &FromInit, descriptor: BorrowedFd<'_>) -> Result<(), Failure> {
        self.send_all(message, &[descriptor])
    }

    /// The next message. The end of the channel, which is the end of the engine, is `EPIPE`.
    pub fn receive(&self) -> Result<ToInit, Failure> {
        // Nobody sends us a descriptor; one would be closed.
        let fill = |buffer: &mut [u8]| sys::stream::fill(self.socket(), buffer, &mut None);
        frame::read(fill, Errno::PROTO).failing("hear from the engine", "")
    }

    /// Waits for one given message.
    pub fn expect(&self, step: &str, matches: fn(&ToInit) -> bool) -> Result<(), Failure> {
        match self.receive()? {
            message if matches(&message) => Ok(()),
            _ => Err(Errno::PROTO).failing(step, ""),
        }
    }

    fn send_all(&self, message: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        let bytes = frame::encode(message).map_err(|_| Errno::MSGSIZE).failing("tell the engine", "")?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        // A frame of ours is a few hundred bytes: the socket's buffer takes it whole.
        match sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(_) => Err(Errno::MSGSIZE).failing("tell the engine", ""),
            Err(errno) => Err(errno).failing("tell the engine", ""),
        }
    }
}
