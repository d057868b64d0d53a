//! The gate of a created container, from outside: the listening socket that init inherits, and `start`, which opens it.

use crate::{
    agent::Agent,
    channel::{Channel, Received},
    destroy,
    failing::Failing,
    hooks::{self, Failed},
    inspect::{self, Status},
    notify,
    record::Record,
    signal,
    store::{ContainerDir, GATE_SOCKET},
};
use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd},
    fs::{AtFlags, Mode, fchmod, unlinkat},
    io::{self, Errno},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with},
    process::Signal,
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use wire::{
    Failure,
    frame::{FromInit, START},
};

/// What a sockaddr_un holds, less the NUL.
const MAX_SOCKET_PATH: usize = 107;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    pub root: String,
    pub id: String,
    /// Where systemd wants to hear from the service; `$NOTIFY_SOCKET`.
    pub notify_socket: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Started {
    /// The descriptor of the container's sd_notify socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifier: Option<i32>,
}

/// Makes the gate's socket in the container's directory, for init to inherit.
pub fn make(directory: &ContainerDir) -> Result<OwnedFd, Failure> {
    let make = || -> io::Result<OwnedFd> {
        let socket = new_socket()?;
        // Before it has a name: only its owner may ask for a start.
        fchmod(&socket, Mode::from_raw_mode(0o600))?;
        bind(&socket, &address(directory.path(), directory.fd())?)?;
        // `state` and a second `start` may knock while one is being served.
        listen(&socket, 16)?;
        Ok(socket)
    };
    make().failing("make the gate in", directory.path().display())
}

/// Connects to the gate: `ENOENT` or `ECONNREFUSED` when it is not closed (any more).
pub fn knock(path: &Path, directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let socket = new_socket()?;
    connect(&socket, &address(path, directory)?)?;
    Ok(socket)
}

/// Opens the gate, and returns when the program runs and the hooks poststart have. When a hook fails, the container is removed.
pub fn start(request: &Start) -> Result<Started, Failed> {
    const STEP: &str = "start container";
    let directory = ContainerDir::open(&request.root, &request.id)?;
    let record = directory.read_record()?;
    let status = inspect::status(&directory, &record)?;
    let refusal = |status| match status {
        Status::Stopped => Errno::SRCH,
        Status::Paused => Errno::BUSY,
        Status::Creating => Errno::AGAIN,
        Status::Created | Status::Running => Errno::ALREADY,
    };
    if status != Status::Created {
        return Err(refusal(status)).failing(STEP, &request.id)?;
    }
    let notifier = match &request.notify_socket {
        Some(target) => Some(notify::bind(&directory, target)?),
        None => None,
    };
    let gate = match knock(directory.path(), directory.fd()) {
        Ok(gate) => Channel::new(gate),
        // Somebody else opened it since we looked, or init is gone.
        Err(Errno::NOENT | Errno::CONNREFUSED) => {
            let status = inspect::status(&directory, &record)?;
            return Err(refusal(status)).failing(STEP, &request.id)?;
        }
        Err(errno) => return Err(errno).failing(STEP, &request.id)?,
    };
    // A reset means that init is gone or serves another start: what it answers, or its silence, decides.
    let _ = gate.send_all(&[START]);
    match await_exec(&gate, &record) {
        Ok(true) => {}
        Ok(false) => return Err(Errno::SRCH).failing(STEP, &request.id)?,
        Err(failure) if failure.step == hook::step("startContainer") => return Err(remove(request, failure)),
        Err(failure) => {
            if record.agent.is_some() {
                // A program whose calls nobody answers for must not go on.
                let _ = signal::signal(&request.root, &request.id, Signal::KILL.as_raw(), false);
            }
            return Err(failure.into());
        }
    }
    // The gate is open for good; with its name gone, `state` need not knock any more.
    let _ = unlinkat(directory.fd(), GATE_SOCKET, AtFlags::empty());
    let pid = record.init.map_or(0, |init| init.pid);
    hooks::on_start(&record, pid).map_err(|failure| remove(request, failure))?;
    Ok(Started { notifier: notifier.map(IntoRawFd::into_raw_fd) })
}

/// Removes a container whose hook failed (runtime-spec, runtime.md, "Lifecycle").
fn remove(Start { root, id, .. }: &Start, failure: Failure) -> Failed {
    let warnings =
        destroy::destroy(root, id, true).map_or_else(|failure| vec![failure], |destroyed| destroyed.warnings);
    Failed { failure, warnings }
}

/// Follows init to its execve: `true` when it became the program, `false` when it was gone before.
fn await_exec(channel: &Channel, record: &Record) -> Result<bool, Failure> {
    let mut executing = false;
    let mut agent = Agent::new(record.agent.as_ref(), record, "created");
    let pid = record.init.map_or(0, |init| init.pid);
    while let Some(received) = channel.receive()? {
        match (&received.message, received.descriptor) {
            (FromInit::Exec, _) => executing = true,
            (FromInit::Failed(failure), _) => return Err(failure.clone()),
            (_, descriptor) => agent.hear(Received { descriptor, ..received }, channel, pid)?,
        }
    }
    if executing {
        agent.finish()?;
    }
    Ok(executing)
}

fn new_socket() -> io::Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

fn address(path: &Path, directory: BorrowedFd<'_>) -> io::Result<SocketAddrUnix> {
    let full = path.join(GATE_SOCKET);
    if full.as_os_str().len() <= MAX_SOCKET_PATH {
        return SocketAddrUnix::new(&full);
    }
    SocketAddrUnix::new(format!("/proc/self/fd/{}/{GATE_SOCKET}", directory.as_fd().as_raw_fd()))
}
