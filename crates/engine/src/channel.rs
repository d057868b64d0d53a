//! Our end of the channel to init, and of a connection to the gate (wire::frame draws the conversations).

use crate::failing::Failing;
use rustix::{
    fd::{AsFd, OwnedFd},
    io::{self, Errno},
    net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair},
};
use wire::{
    Failure,
    frame::{self, FromInit, ToInit},
    plan::InitPlan,
};

pub struct Channel {
    socket: OwnedFd,
}

/// A message and the descriptor that came with it.
pub struct Received {
    pub message: FromInit,
    pub descriptor: Option<OwnedFd>,
}

/// The channel and init's end of it.
pub fn pair() -> Result<(Channel, OwnedFd), Failure> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .failing("make a channel to", "init")?;
    Ok((Channel { socket: ours }, theirs))
}

impl Channel {
    pub fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    pub fn send(&self, message: &ToInit<&InitPlan>) -> Result<(), Failure> {
        let bytes = frame::encode(message).map_err(|_| Errno::MSGSIZE).failing("tell", "init")?;
        self.send_all(&bytes).failing("tell", "init")
    }

    pub fn send_all(&self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// The next message; none at the end of the channel, when init has become its program or is gone.
    pub fn receive(&self) -> Result<Option<Received>, Failure> {
        match self.receive_frame() {
            Ok(received) => Ok(Some(received)),
            // A process that is killed with unread data in its socket resets it.
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(None),
            Err(errno) => Err(errno).failing("hear from", "init"),
        }
    }

    fn receive_frame(&self) -> io::Result<Received> {
        let mut descriptor = None;
        let socket = self.socket.as_fd();
        let message = frame::read(|buffer| sys::stream::fill(socket, buffer, &mut descriptor), Errno::PROTO)?;
        Ok(Received { message, descriptor })
    }
}
