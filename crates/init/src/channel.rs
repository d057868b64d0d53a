//! Our end of the channel: frames over a stream socket (wire::frame draws the conversation).

use crate::failing::Failing;
use alloc::{vec, vec::Vec};
use core::mem::MaybeUninit;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::{self, Errno, IoSlice, IoSliceMut},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recv, recvmsg, sendmsg,
    },
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

    pub fn send(&self, message: &FromInit) -> Result<(), Failure> {
        self.send_all(message, &[])
    }

    /// Sends a message with a descriptor.
    pub fn send_with(&self, message: &FromInit, descriptor: BorrowedFd<'_>) -> Result<(), Failure> {
        self.send_all(message, &[descriptor])
    }

    /// The next message, and the descriptors that came with it. The end of the channel, which is the end of the engine, is `EPIPE`.
    pub fn receive(&self) -> Result<(ToInit, Vec<OwnedFd>), Failure> {
        self.receive_frame().failing("hear from the engine", "")
    }

    /// Waits for one given message.
    pub fn expect(&self, step: &str, matches: fn(&ToInit) -> bool) -> Result<(), Failure> {
        match self.receive()? {
            (message, _) if matches(&message) => Ok(()),
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

    fn receive_frame<T: DeserializeOwned>(&self) -> io::Result<(T, Vec<OwnedFd>)> {
        let mut header = [0; HEADER];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(frame::MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        // Descriptors come with the first byte of a frame; frames are sent with their whole header.
        let mut parts = [IoSliceMut::new(&mut header)];
        let received = io::retry_on_intr(|| recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC))?;
        match received.bytes {
            HEADER => {}
            0 => return Err(Errno::PIPE),
            _ => return Err(Errno::PROTO),
        }
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(some) = message {
                descriptors.extend(some);
            }
        }
        let length = frame::body_length(header).map_err(|_| Errno::PROTO)?;
        let mut body = vec![0; length];
        self.fill(&mut body)?;
        let message = frame::decode(&body).map_err(|_| Errno::PROTO)?;
        Ok((message, descriptors))
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
