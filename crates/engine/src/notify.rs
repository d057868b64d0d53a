//! sd_notify(3) for a container: a socket of its own, whose messages are passed on to the service manager's.
//!
//! What passes is in `notify/message.rs`, how in `notify/proxy.rs`.
//!
//! The *notifier* that `start` returns is one descriptor, but two sockets are needed: the one in the container and one
//! connected to the manager. It is the end of a socket pair in whose queue both wait as an SCM_RIGHTS message; so they live as long
//! as it does, and closing it closes all.

mod message;
mod proxy;

pub use proxy::Proxy;

use crate::{failing::Failing, store::ContainerDir, unix_socket, wait};
use rustix::{
    event::{PollFd, PollFlags},
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags, chmodat, openat, unlinkat},
    io::{self, Errno, IoSlice, IoSliceMut},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketAddrUnix, SocketFlags, SocketType, bind as bind_socket, recvmsg, sendmsg, socket_with,
        socketpair,
    },
};
use serde::Deserialize;
use std::mem::MaybeUninit;
use wire::Failure;

const DIRECTORY: &str = "notify";
const SOCKET: &str = "notify.sock";

/// The request of the verb `awaitReady`. The notifier is ours from here on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwaitReady {
    pub root: String,
    pub id: String,
    pub notifier: i32,
    /// Of init.
    pub pid: i32,
}

/// Makes the container's notify socket, open to all users in it, and connects to the manager's: a path or `@` and an abstract
/// name. Gives the notifier.
pub fn bind(container: &ContainerDir, target: &str) -> Result<OwnedFd, Failure> {
    let target_socket = connect(target).failing("connect to the notify socket", target)?;
    let bound = bind_in(container.fd()).failing("make the notify socket of container", container.id())?;
    pack(bound.as_fd(), target_socket.as_fd()).failing("make the notify socket of container", container.id())
}

/// Passes messages on until the service is ready or init is gone.
pub fn await_ready(request: &AwaitReady) -> Result<(), Failure> {
    let notifier = sys::descriptor::adopt(request.notifier).failing("take over descriptor", request.notifier)?;
    let mut proxy = Proxy::open(notifier, request.pid)?;
    let init = open_init(request)?;
    loop {
        let (said, ended) = match &init {
            None => (false, true),
            Some(init) => {
                let ended = PollFd::new(init, PollFlags::IN);
                wait::ready([proxy.interest(), Some(ended)], proxy.pause().as_ref())
                    .map(|[said, ended]| (said, ended))
                    .failing("wait for", "init")?
            }
        };
        let passed_on = match (said, ended) {
            // What init said before its end counts.
            (_, true) => proxy.finish(),
            (true, false) => proxy.serve(),
            (false, false) => Ok(false),
        };
        if passed_on.failing("pass a message on to", "the notify socket")? {
            proxy.barrier();
            return Ok(());
        }
        if ended {
            return Ok(());
        }
    }
}

/// None when it is gone.
fn open_init(request: &AwaitReady) -> Result<Option<OwnedFd>, Failure> {
    let record = ContainerDir::open(&request.root, &request.id).and_then(|container| container.read_record());
    match record {
        Ok(record) => match record.init.filter(|init| init.pid == request.pid) {
            Some(init) => init.open(),
            None => Ok(None),
        },
        // Somebody has deleted the container already.
        Err(failure) if failure.errno == Errno::NOENT.raw_os_error() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn connect(target: &str) -> io::Result<OwnedFd> {
    match target.strip_prefix('@') {
        Some(name) => {
            unix_socket::connect_address(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, SocketType::DGRAM)
        }
        None => unix_socket::connect_to(target, SocketType::DGRAM),
    }
}

fn bind_in(container: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(container, DIRECTORY, flags, Mode::empty())?;
    match unlinkat(&directory, SOCKET, AtFlags::empty()) {
        // One of a `start` that was killed.
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // Through the descriptor: the directory's path may be longer than an address.
    bind_socket(&socket, &SocketAddrUnix::new(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()))?)?;
    chmodat(&directory, SOCKET, Mode::from_raw_mode(0o777), AtFlags::empty())?;
    Ok(socket)
}

fn pack(bound: BorrowedFd<'_>, target: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let (notifier, other) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [bound, target];
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(&other, &[IoSlice::new(b"-")], &mut control, SendFlags::DONTWAIT)?;
    Ok(notifier)
}

fn unpack(notifier: &OwnedFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    recvmsg(notifier, &mut [IoSliceMut::new(&mut [0])], &mut control, flags)?;
    let mut sockets = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut sockets = sockets.next().into_iter().flatten();
    sockets.next().zip(sockets.next()).ok_or(Errno::BADF)
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
