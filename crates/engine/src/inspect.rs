//! What a container is now, by its record and the kernel.

use crate::{
    failing::Failing,
    record::Record,
    store::{self, ContainerDir, GATE_SOCKET},
};
use rustix::{
    fd::AsRawFd,
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fmt, thread,
    time::{Duration, Instant},
};
use wire::Failure;

/// How long whoever has made a container's directory may take to lock it.
const MOMENT: Duration = Duration::from_millis(100);

/// The runtime-spec's status of a container, and `paused`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// `Inspection` of src/host/host.ts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    pub id: String,
    pub status: Status,
    /// 0 when init is gone or not there yet.
    pub pid: i32,
    pub oci_version: String,
    pub bundle: String,
    pub rootfs: String,
    pub created: String,
    pub owner: u32,
    pub annotations: BTreeMap<String, String>,
}

/// A container in a list: what it is, or why that can't be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Listed {
    Container(Inspection),
    Broken { id: String, failure: Failure },
}

/// What `list` gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    /// Whether there is no such root.
    pub missing: bool,
    pub containers: Vec<Listed>,
}

/// Fails with step `find container` and ENOENT where there is none; one that has no record yet is none.
pub fn inspect(root: &str, id: &str) -> Result<Inspection, Failure> {
    let container = ContainerDir::open(root, id)?;
    let record = container.read_record()?;
    let status = status(&container, &record)?;
    let pid = match (&record.init, status) {
        (Some(init), Status::Created | Status::Running | Status::Paused) => init.pid,
        _ => 0,
    };
    let Record { id, oci_version, bundle, rootfs, created, owner, annotations, .. } = record;
    Ok(Inspection { id, status, pid, oci_version, bundle, rootfs, created, owner, annotations })
}

/// All containers of a root, in the order of their ids. One that is broken does not keep the others from being listed, and one
/// that comes or goes meanwhile is left out.
pub fn list(root: &str) -> Result<List, Failure> {
    let Some(ids) = store::ids(root)? else { return Ok(List { missing: true, containers: Vec::new() }) };
    let containers = ids.into_iter().filter_map(|id| match inspect(root, &id) {
        Ok(container) => Some(Listed::Container(container)),
        Err(failure) if failure.errno != Errno::NOENT.raw_os_error() => Some(Listed::Broken { id, failure }),
        Err(_) => without_record(root, &id).map(|failure| Listed::Broken { id, failure }),
    });
    Ok(List { missing: false, containers: containers.collect() })
}

/// What to say of a directory that has no record: nothing while somebody is at work there, or when it has one by now, or is gone.
/// A new directory is locked a moment after it is made, so that one without a lock is looked at for a while.
fn without_record(root: &str, id: &str) -> Option<Failure> {
    let container = ContainerDir::open(root, id).ok()?;
    let deadline = Instant::now() + MOMENT;
    loop {
        match container.is_locked() {
            Ok(true) => return None,
            Ok(false) if container.read_record().is_ok() || !container.is_there() => return None,
            Ok(false) if Instant::now() < deadline => thread::sleep(MOMENT / 20),
            Ok(false) => return Some(Failure::new("read record", id, Errno::NOENT.raw_os_error())),
            Err(failure) => return Some(failure),
        }
    }
}

/// The status of a container. Cheap, as callers poll it: a pidfd, one read of /proc, one of the freezer, one connect.
pub fn status(container: &ContainerDir, record: &Record) -> Result<Status, Failure> {
    let Some(init) = record.init else {
        // A command that died before it made init leaves a record like one that has not made it yet.
        return Ok(if container.is_locked()? { Status::Creating } else { Status::Stopped });
    };
    match init.open()? {
        None => Ok(Status::Stopped),
        Some(_) => status_of_living(container, record),
    }
}

/// The status of a container whose init is there.
pub(crate) fn status_of_living(container: &ContainerDir, record: &Record) -> Result<Status, Failure> {
    if cgroup::is_frozen(&record.cgroup)? {
        Ok(Status::Paused)
    } else if is_gate_closed(container)? {
        Ok(Status::Created)
    } else {
        Ok(Status::Running)
    }
}

/// Whether init waits for `start`: it listens on the gate's socket exactly as long. A connection that brings nothing means
/// nothing to it.
fn is_gate_closed(container: &ContainerDir) -> Result<bool, Failure> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
        .failing("look at gate of container", container.id())?;
    // Through the descriptor: the address of a socket is at most 107 bytes long, the path of a root may be longer.
    let path = format!("/proc/self/fd/{}/{GATE_SOCKET}", container.fd().as_raw_fd());
    let address = SocketAddrUnix::new(path).failing("look at gate of container", container.id())?;
    match connect(&socket, &address) {
        // EAGAIN: others have filled the queue, so somebody listens.
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error).failing("look at gate of container", container.id()),
    }
}

#[cfg(test)]
#[path = "inspect_tests.rs"]
mod tests;
