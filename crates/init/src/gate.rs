//! The gate between create and start: a listening socket in the container's state directory, held by us alone. It accepts
//! connections exactly as long as the gate is closed, so that `state` needs nothing else to tell created from running.

use crate::{channel::Channel, failing::Failing};
use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{RecvFlags, SocketFlags, accept_with, recv},
};
use wire::{Failure, frame::START};

const STEP: &str = "wait for start";

/// Waits until somebody says [`START`]; gives the connection, over which they want to hear how it went. Meanwhile we are the parent
/// of all orphans in the container, since others may be executed in it: those vanish when they end.
pub fn wait(listener: &OwnedFd) -> Result<Channel, Failure> {
    sys::process::ignore_children(true).failing(STEP, "")?;
    let caller = accept(listener)?;
    sys::process::ignore_children(false).failing(STEP, "")?;
    Ok(caller)
}

fn accept(listener: &OwnedFd) -> Result<Channel, Failure> {
    loop {
        let caller = match accept_with(listener, SocketFlags::CLOEXEC) {
            Ok(caller) => caller,
            Err(Errno::INTR | Errno::CONNABORTED) => continue,
            Err(errno) => return Err(errno).failing(STEP, ""),
        };
        let mut word = [0];
        // `state` only connects and leaves: that is the end of file, and no start.
        if let Ok((_, 1)) = recv(&caller, &mut word, RecvFlags::empty())
            && word == [START]
        {
            return Ok(Channel::new(caller));
        }
    }
}
