//! Our end of the channel: frames over a stream socket (wire::frame draws the conversation).

use crate::failing::Failing;
use alloc::vec;
use core::mem::MaybeUninit;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::{self, Errno, IoSlice},
    net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg},
};
use serde::{Serialize, de::DeserializeOwned};
use wire::{
    Failure,
    frame::{self, FromInit, HEADER, ToInit},
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
        self.receive_frame().failing("hear from the engine", "")
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

    fn receive_frame<T: DeserializeOwned>(&self) -> io::Result<T> {
        let mut header = [0; HEADER];
        self.fill(&mut header)?;
        let length = frame::body_length(header).map_err(|_| Errno::PROTO)?;
        let mut body = vec![0; length];
        self.fill(&mut body)?;
        frame::decode(&body).map_err(|_| Errno::PROTO)
    }

    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match recv(self.socket.as_fd(), rest, RecvFlags::empty()) {
                Ok((_, 0)) => return Err(Errno::PIPE),
                Ok((_, count)) => filled += count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}
