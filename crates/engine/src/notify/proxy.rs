//! Passes messages of a container on to the service manager, in order: none is lost because the manager is slow, and none waits longer
//! than it has to. A container that says too much waits itself: its messages are left where they are until the second is over.

use super::{message::Message, unpack};
use crate::{failing::Failing, wait};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::{self, Errno, IoSlice, IoSliceMut},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, UCred, recvmsg, sendmsg,
    },
    pipe::{PipeFlags, pipe_with},
    process::{Pid, getgid, getuid},
};
use std::{
    mem::MaybeUninit,
    time::{Duration, Instant},
};
use wire::Failure;

/// What a service manager reads of a message, in bytes (systemd's NOTIFY_BUFFER_MAX).
pub const MESSAGE: usize = 4096;

/// What a message from the container may grow by on its way: a MAINPID line.
const GROWTH: usize = 32;

/// How many descriptors a message can have (unix(7), SCM_MAX_FD).
const DESCRIPTORS: usize = 253;

/// How many messages are passed on before the caller can look after other things.
const BATCH: usize = 16;

/// How many messages are taken from a container in a [`WINDOW`].
pub const MOST: usize = 256;
const WINDOW: Duration = Duration::from_secs(1);

/// How long the manager may take to answer a barrier of ours.
const BARRIER: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

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
    /// When the window began, and how many messages were taken in it.
    window: Instant,
    taken: usize,
}

impl Proxy {
    /// Takes the sockets out of a notifier.
    pub fn open(notifier: OwnedFd, init: i32) -> Result<Self, Failure> {
        let (bound, target) = unpack(&notifier).failing("open", "the notifier")?;
        Ok(Self { bound, target, init, pending: None, introduced: false, window: Instant::now(), taken: 0 })
    }

    /// What to wait for before [`Proxy::serve`]; nothing during [`Proxy::pause`].
    pub fn interest(&self) -> Option<PollFd<'_>> {
        match &self.pending {
            None => self.pause().is_none().then(|| PollFd::new(&self.bound, PollFlags::IN)),
            Some(_) => Some(PollFd::new(&self.target, PollFlags::OUT)),
        }
    }

    /// How long it is until more messages are taken from the container, if it has said too much.
    pub fn pause(&self) -> Option<Timespec> {
        let rest = WINDOW.checked_sub(self.window.elapsed()).filter(|rest| self.taken >= MOST && !rest.is_zero())?;
        Timespec::try_from(rest).ok()
    }

    /// Passes on what there is, without waiting. True when READY was among it.
    pub fn serve(&mut self) -> io::Result<bool> {
        self.pass_on(BATCH)
    }

    /// The same for the last words of a container.
    pub fn finish(&mut self) -> io::Result<bool> {
        self.taken = 0;
        self.pass_on(MOST)
    }

    fn pass_on(&mut self, most: usize) -> io::Result<bool> {
        let mut ready = false;
        for _ in 0..most {
            let Some(message) = self.next()? else { break };
            match self.send(&message) {
                Ok(()) => {
                    ready |= message.ready;
                    self.introduced |= message.names_init;
                }
                Err(Errno::AGAIN | Errno::INTR) => {
                    self.pending = Some(message);
                    break;
                }
                // More descriptors than we may have on their way: the message is lost, not the service.
                Err(Errno::TOOMANYREFS) => {}
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
            self.send_as(b"BARRIER=1", &[theirs.as_fd()], None)?;
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
            if self.window.elapsed() >= WINDOW {
                (self.window, self.taken) = (Instant::now(), 0);
            }
            if self.taken >= MOST {
                return Ok(None);
            }
            match self.receive() {
                Ok(message) => {
                    self.taken += 1;
                    if message.is_some() {
                        return Ok(message);
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Takes a message; none if there is nothing in it for the manager.
    fn receive(&self) -> io::Result<Option<Message>> {
        let mut buffer = [0; MESSAGE - GROWTH];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.bound, &mut [IoSliceMut::new(&mut buffer)], &mut control, flags)?;
        let mut descriptors: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sent) = message {
                descriptors.extend(sent);
            }
        }
        // Half a message, or half of its descriptors, is none.
        if received.flags.intersects(ReturnFlags::TRUNC) {
            return Ok(None);
        }
        if received.flags.intersects(ReturnFlags::CTRUNC) {
            descriptors.clear();
        }
        let text = buffer.get(..received.bytes).unwrap_or_default();
        Ok(Message::from_container(text, descriptors, self.init))
    }

    /// The manager takes messages from the main process only (`NotifyAccess=main`). Until it knows init as that, it is us; then we
    /// speak in init's name, where we may.
    fn send(&self, message: &Message) -> io::Result<()> {
        let descriptors: Vec<BorrowedFd<'_>> = message.descriptors.iter().map(AsFd::as_fd).collect();
        if self.introduced
            && let Some(pid) = Pid::from_raw(self.init)
        {
            let credentials = UCred { pid, uid: getuid(), gid: getgid() };
            match self.send_as(&message.text, &descriptors, Some(credentials)) {
                // Without CAP_SYS_ADMIN; init is gone.
                Err(Errno::PERM | Errno::SRCH) => {}
                other => return other,
            }
        }
        self.send_as(&message.text, &descriptors, None)
    }

    fn send_as(&self, text: &[u8], descriptors: &[BorrowedFd<'_>], sender: Option<UCred>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS), ScmCredentials(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fits = (descriptors.is_empty() || control.push(SendAncillaryMessage::ScmRights(descriptors)))
            && sender.is_none_or(|sender| control.push(SendAncillaryMessage::ScmCredentials(sender)));
        if !fits {
            return Err(Errno::NOBUFS);
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(&self.target, &[IoSlice::new(text)], &mut control, flags).map(drop)
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
