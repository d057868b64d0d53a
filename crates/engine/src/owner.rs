//! Containers that end with this process, whatever ends it: a watcher ([`crate::watcher`]) is told of each before it exists.
//!
//! One watcher for the process, started at the first such container, and again should somebody have killed it. A container
//! belongs to a part of the process, in Node a thread with its own JavaScript, and ends with that part too.

use crate::{
    destroy::destroy_created,
    failing::Failing,
    watcher::{Message, NAME, Owned},
};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, CWD, Mode, OFlags},
    io::{Errno, retry_on_intr},
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair},
    process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid},
};
use std::{
    collections::{HashMap, HashSet},
    ffi::CString,
    sync::{Mutex, MutexGuard, PoisonError},
};
use sys::spawn::{Program, Spawn, spawn};
use wire::Failure;

#[derive(Default)]
struct State {
    watcher: Option<Watcher>,
    /// By which part of the process each was made.
    owned: Option<HashMap<Owned, u64>>,
    /// Those that have ended.
    ended: Option<HashSet<u64>>,
}

struct Watcher {
    socket: OwnedFd,
    pidfd: OwnedFd,
}

static STATE: Mutex<State> = Mutex::new(State { watcher: None, owned: None, ended: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A container that ends with a part of this process.
#[derive(Debug)]
pub struct Ownership {
    pub container: Owned,
    pub part: u64,
    /// The path of the static binary, which is the watcher.
    pub binary: String,
}

/// Launches a container with an owner.
pub fn owning<T, E: From<Failure>>(ownership: &Ownership, launch: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let Ownership { container: owned, part, binary } = ownership;
    let part = *part;
    state().own(part, binary, owned)?;
    let launched = launch();
    if launched.is_err() {
        state().release(|one| one == owned);
    } else if state().is_over(part) {
        // It ended meanwhile, and took away what there was: this was not there yet.
        destroy_created(&owned.root, &owned.id, &owned.created)?;
        state().release(|one| one == owned);
    }
    launched
}

/// A container is gone.
pub fn release(root: &str, id: &str) {
    state().release(|one| one.root == root && one.id == id);
}

/// A part of the process ends: its containers do too.
pub fn end_part(part: u64) {
    let mut state = state();
    state.ended.get_or_insert_default().insert(part);
    let all = state.owned.iter().flatten().filter(|(_, of)| **of == part).map(|(owned, _)| owned.clone());
    for owned in all.collect::<Vec<_>>() {
        if let Some(map) = &mut state.owned {
            map.remove(&owned);
        }
        // A watcher that is gone can't: the process has not ended, and somebody may still find the container by its record.
        let _ = state.watcher.as_ref().map(|watcher| watcher.tell(&Message::Destroy(owned)));
    }
}

impl State {
    fn own(&mut self, part: u64, binary: &str, owned: &Owned) -> Result<(), Failure> {
        if self.is_over(part) {
            return Err(Errno::CANCELED).failing("launch for a thread that has ended", "");
        }
        self.owned.get_or_insert_default().insert(owned.clone(), part);
        let told = self.watcher.as_ref().is_some_and(|watcher| watcher.tell(&Message::Own(owned.clone())).is_ok());
        if told {
            return Ok(());
        }
        // There is none, or somebody has killed it: a new one hears of all.
        let watcher = Watcher::start(binary).and_then(|watcher| {
            for owned in self.owned.iter().flat_map(HashMap::keys) {
                watcher.tell(&Message::Own(owned.clone())).failing("tell", "the watcher")?;
            }
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                Ok(())
            }
            Err(failure) => {
                self.release(|one| one == owned);
                Err(failure)
            }
        }
    }

    fn release(&mut self, is_it: impl Fn(&Owned) -> bool) {
        let Some(map) = &mut self.owned else { return };
        let Some(owned) = map.keys().find(|one| is_it(one)).cloned() else { return };
        map.remove(&owned);
        // What it is not told it finds out: the container is gone, or not of that time.
        let _ = self.watcher.as_ref().map(|watcher| watcher.tell(&Message::Release(owned)));
    }

    fn is_over(&self, part: u64) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.contains(&part))
    }
}

impl Watcher {
    /// Returns when it is out of reach of what may be about to end us.
    fn start(binary: &str) -> Result<Self, Failure> {
        const STEP: &str = "start the watcher";
        let image = fs::openat(CWD, binary, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).failing(STEP, binary)?;
        let null = fs::openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .failing("open", "/dev/null")?;
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).failing(STEP, binary)?;
        let name = CString::new(NAME).unwrap_or_default();
        let spawned = spawn(&Spawn {
            program: Program::Image(image.as_fd()),
            arguments: &[&name],
            environment: &[],
            descriptors: &[theirs.as_fd(), null.as_fd(), null.as_fd()],
            pid_namespace: false,
            cgroup: None,
            foreign: None,
        })
        .failing(STEP, binary)?;
        drop(theirs);
        let mut byte = [0];
        let watcher = Self { socket, pidfd: spawned.pidfd };
        match retry_on_intr(|| recv(&watcher.socket, &mut byte, RecvFlags::empty())) {
            Ok((_, 1)) => Ok(watcher),
            _ => Err(Errno::PIPE).failing(STEP, binary),
        }
    }

    fn tell(&self, message: &Message) -> Result<(), Errno> {
        let text = serde_json::to_vec(message).map_err(|_| Errno::INVAL)?;
        retry_on_intr(|| send(&self.socket, &text, SendFlags::NOSIGNAL)).map(drop)
    }
}

impl Drop for Watcher {
    /// Only when it does not answer: it is gone or about to be, and nothing of it is to stay.
    fn drop(&mut self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED));
    }
}
