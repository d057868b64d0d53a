//! sd_notify(3) for a container: a socket of its own, whose messages are passed on to the service manager's.
//!
//! The manager can't tell a process of another PID namespace by the pid that it gives itself, so MAINPID is always init's pid on
//! the host. Of a message only lines with known names pass, and no descriptors: the container's service must not store some in
//! its manager. `BARRIER=1` comes with one whose closing is the answer; as messages are passed on in order and as soon as
//! there is room, it is given when the message is read.
//!
//! The *notifier* that `start` returns is one descriptor, but two sockets are needed: the one in the container and one
//! connected to the manager. It is the end of a socket pair in whose queue both wait as an SCM_RIGHTS message; so they live as long
//! as it does, and closing it closes all.

use crate::{failing::Failing, store::ContainerDir, unix_socket, wait};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, Mode, OFlags, chmodat, openat, unlinkat},
    io::{self, Errno, IoSlice, IoSliceMut},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketAddrUnix, SocketFlags, SocketType, UCred, bind as bind_socket, recv, recvmsg, sendmsg,
        socket_with, socketpair,
    },
    pipe::{PipeFlags, pipe_with},
    process::{Pid, getgid, getuid},
};
use serde::Deserialize;
use std::mem::MaybeUninit;
use wire::Failure;

const DIRECTORY: &str = "notify";
const SOCKET: &str = "notify.sock";

/// What a service manager reads of a message, in bytes (systemd's NOTIFY_BUFFER_MAX).
const MESSAGE: usize = 4096;

/// What a message from the container may grow by on its way: a MAINPID line.
const GROWTH: usize = 32;

/// How many messages are passed on before the caller can look after other things.
const BATCH: usize = 16;

/// How long the manager may take to answer a barrier.
const BARRIER: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// The lines that pass, by sd_notify(3), but for READY and MAINPID.
const PASSED_ON: [&str; 8] =
    ["STATUS", "RELOADING", "STOPPING", "ERRNO", "WATCHDOG", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC", "MONOTONIC_USEC"];

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
            None => (true, true),
            Some(init) => {
                let ended = PollFd::new(init, PollFlags::IN);
                let [said, ended] =
                    wait::ready([Some(proxy.interest()), Some(ended)], None).failing("wait for", "init")?;
                (said, ended)
            }
        };
        // What init said before its end counts.
        if (said || ended) && proxy.serve().failing("pass a message on to", "the notify socket")? {
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
    send_with(other.as_fd(), b"-", SendAncillaryMessage::ScmRights(&[bound, target]))?;
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

fn send_with(socket: BorrowedFd<'_>, text: &[u8], message: SendAncillaryMessage<'_, '_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(message) {
        return Err(Errno::NOBUFS);
    }
    sendmsg(socket, &[IoSlice::new(text)], &mut control, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
}

/// Passes messages of a container on.
pub struct Proxy {
    bound: OwnedFd,
    target: OwnedFd,
    /// The host pid of init.
    init: i32,
    /// For which the manager had no room yet.
    pending: Option<Message>,
    /// Whether the manager knows init as the service's main process.
    introduced: bool,
}

impl Proxy {
    /// Takes the sockets out of a notifier.
    pub fn open(notifier: OwnedFd, init: i32) -> Result<Self, Failure> {
        let (bound, target) = unpack(&notifier).failing("open", "the notifier")?;
        Ok(Self { bound, target, init, pending: None, introduced: false })
    }

    /// What to wait for before [`Proxy::serve`].
    pub fn interest(&self) -> PollFd<'_> {
        match &self.pending {
            None => PollFd::new(&self.bound, PollFlags::IN),
            Some(_) => PollFd::new(&self.target, PollFlags::OUT),
        }
    }

    /// Passes on what there is, without waiting. True when READY was among it.
    pub fn serve(&mut self) -> io::Result<bool> {
        let mut ready = false;
        for _ in 0..BATCH {
            let Some(message) = self.next()? else { break };
            match self.send(&message.text) {
                Ok(()) => {
                    ready |= message.ready;
                    self.introduced |= message.names_init;
                }
                Err(Errno::AGAIN | Errno::INTR) => {
                    self.pending = Some(message);
                    break;
                }
                Err(errno) => return Err(errno),
            }
        }
        Ok(ready)
    }

    /// Waits until the manager has read all that it was sent: it finds out which service we are by our pid, and so has to before we
    /// end. One that does not know barriers ignores it.
    pub fn barrier(&self) {
        let synchronize = || -> io::Result<()> {
            let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
            send_with(self.target.as_fd(), b"BARRIER=1", SendAncillaryMessage::ScmRights(&[theirs.as_fd()]))?;
            drop(theirs);
            wait::ready([Some(PollFd::new(&ours, PollFlags::IN))], Some(&BARRIER)).map(drop)
        };
        // A courtesy: the message itself is sent.
        let _ = synchronize();
    }

    /// The next message that is worth passing on.
    fn next(&mut self) -> io::Result<Option<Message>> {
        if self.pending.is_some() {
            return Ok(self.pending.take());
        }
        loop {
            let mut buffer = [0; MESSAGE - GROWTH];
            // Descriptors that come along are closed by the kernel, as there is no room for them.
            match recv(&self.bound, &mut buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
                Ok((_, length)) => {
                    if let Some(message) =
                        buffer.get(..length).and_then(|text| Message::from_container(text, self.init))
                    {
                        return Ok(Some(message));
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// The manager takes messages from the main process only (`NotifyAccess=main`). Until it knows init as that, it is us; then we
    /// speak in init's name, where we may.
    fn send(&self, text: &[u8]) -> io::Result<()> {
        if self.introduced
            && let Some(pid) = Pid::from_raw(self.init)
        {
            let credentials = UCred { pid, uid: getuid(), gid: getgid() };
            match send_with(self.target.as_fd(), text, SendAncillaryMessage::ScmCredentials(credentials)) {
                // Without CAP_SYS_ADMIN; init is gone.
                Err(Errno::PERM | Errno::SRCH) => {}
                other => return other,
            }
        }
        rustix::net::send(&self.target, text, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
    }
}

/// A message for the manager.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    text: Vec<u8>,
    ready: bool,
    /// Has a MAINPID line.
    names_init: bool,
}

impl Message {
    /// What of the container's message is for the manager; none if nothing is.
    fn from_container(text: &[u8], init: i32) -> Option<Self> {
        let mut lines: Vec<&[u8]> = Vec::new();
        let mut ready = false;
        let mut names_init = false;
        for line in text.split(|byte| *byte == b'\n') {
            let Some(name) = line.split(|byte| *byte == b'=').next().and_then(|name| str::from_utf8(name).ok()) else {
                continue;
            };
            match name {
                "MAINPID" => names_init = true,
                // A NUL would make the manager refuse all of it.
                _ if line.contains(&0) => {}
                "READY" if line == b"READY=1" => {
                    ready = true;
                    lines.push(line);
                }
                _ if PASSED_ON.contains(&name) => lines.push(line),
                _ => {}
            }
        }
        names_init |= ready;
        let main = format!("MAINPID={init}");
        if names_init {
            lines.push(main.as_bytes());
        }
        (!lines.is_empty()).then(|| Self { text: lines.join(&b'\n'), ready, names_init })
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
