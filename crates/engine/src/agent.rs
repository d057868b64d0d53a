//! The seccomp agent: whoever answers for the system calls that `SCMP_ACT_NOTIFY` lets wait. It gets the descriptor of the filter's
//! notifications and the container process state (config-linux.md) in one message over the socket `listenerPath`.
//!
//! It is connected to before the filter is loaded, so that a program never waits for one that is not there.

use crate::{
    channel::{Channel, Received},
    failing::Failing,
    record::Record,
    unix_socket,
};
use rustix::{
    fd::{AsFd, OwnedFd},
    io::{self, Errno, IoSlice},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, sendmsg},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, mem::MaybeUninit};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
};

/// Where the agent is, and what it is told beside the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// The engine's part while a process becomes its program. Without an address there is no agent, and nothing to do.
pub struct Agent<'a> {
    address: Option<&'a Address>,
    record: &'a Record,
    /// What the container is at the time.
    status: &'a str,
    connection: Option<OwnedFd>,
    told: bool,
}

/// The container process state.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessState<'a> {
    oci_version: &'a str,
    fds: [&'a str; 1],
    pid: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    state: State<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    oci_version: &'a str,
    id: &'a str,
    status: &'a str,
    pid: i32,
    bundle: &'a str,
    annotations: &'a BTreeMap<String, String>,
}

const STEP: &str = "hand the seccomp notifications to";

impl<'a> Agent<'a> {
    /// For a process of the container of `record`.
    pub fn new(address: Option<&'a Address>, record: &'a Record, status: &'a str) -> Self {
        Self { address, record, status, connection: None, told: false }
    }

    /// What init, whose pid that is, says about its filter.
    pub fn hear(&mut self, received: Received, channel: &Channel, pid: i32) -> Result<(), Failure> {
        match (received.message, received.descriptor, self.address) {
            (FromInit::AgentWanted, _, Some(Address { path, .. })) => {
                let connection = unix_socket::connect_to(path, SocketType::STREAM)
                    .failing("connect to linux.seccomp.listenerPath", path)?;
                self.connection = Some(connection);
                channel.send(&ToInit::AgentReady)
            }
            (FromInit::Listener, Some(listener), Some(address)) => self.tell(address, pid, &listener),
            _ => Err(Errno::PROTO).failing("understand", "init"),
        }
    }

    fn tell(&mut self, Address { path, metadata }: &Address, pid: i32, listener: &OwnedFd) -> Result<(), Failure> {
        let Self { record, status, .. } = self;
        let state = ProcessState {
            oci_version: &record.oci_version,
            fds: ["seccompFd"],
            pid,
            metadata: metadata.as_deref().filter(|metadata| !metadata.is_empty()),
            state: State {
                oci_version: &record.oci_version,
                id: &record.id,
                status,
                pid: record.init.map_or(pid, |init| init.pid),
                bundle: &record.bundle,
                annotations: &record.annotations,
            },
        };
        let text = serde_json::to_vec(&state).map_err(|_| Failure::new(STEP, path, 0))?;
        let connection = self.connection.take().ok_or(Errno::NOTCONN).failing(STEP, path)?;
        send(&connection, &text, listener).failing(STEP, path)?;
        self.told = true;
        Ok(())
    }

    /// Once the process has become its program: whether the agent has what it needs for it.
    pub fn finish(&self) -> Result<(), Failure> {
        match self.address {
            Some(Address { path, .. }) if !self.told => Err(Errno::PIPE).failing(STEP, path),
            _ => Ok(()),
        }
    }
}

/// The descriptor goes with the first bytes.
fn send(connection: &OwnedFd, mut text: &[u8], listener: &OwnedFd) -> io::Result<()> {
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(Errno::NOBUFS);
    }
    while !text.is_empty() {
        let sent = io::retry_on_intr(|| sendmsg(connection, &[IoSlice::new(text)], &mut control, SendFlags::NOSIGNAL))?;
        text = text.get(sent..).unwrap_or_default();
        control.clear();
    }
    Ok(())
}
