//! The watcher: a small process that outlives a Node process by a moment, and removes the containers that it leaves.
//!
//! It is the static binary under another name ([`NAME`]), started by [`crate::owner`] with a socket as its standard input. Over
//! that it hears which containers belong to the process, and by its end that the process is gone, however it went.

use crate::{destroy::destroy_created, failing::Failing};
use nix::sys::{
    signal::{SigSet, SigmaskHow, sigprocmask},
    stat::{Mode, umask},
};
use rustix::{
    io::{Errno, retry_on_intr},
    net::{RecvFlags, SendFlags, recv, send},
    process::{chdir, setsid},
    stdio::stdin,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    thread,
};
use wire::Failure;

/// Its `argv[0]`, by which the static binary knows what it is to be.
pub const NAME: &str = "gantry-watcher";

/// The largest message, in bytes: two paths, an id and a date.
pub const MAX_MESSAGE: usize = 16 << 10;

/// How many containers are removed at a time. Removal waits more than it works.
const AT_A_TIME: usize = 8;

/// How often a removal is tried: it is given up only after it failed so often.
const TRIES: usize = 3;

/// A container as its owner made it: with when, since another may have its name later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owned {
    pub root: String,
    pub id: String,
    pub created: String,
}

/// What the owner says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// It is about to exist.
    Own(Owned),
    /// It is gone, or is to stay.
    Release(Owned),
    /// The part of the process that made it has ended: it goes now.
    Destroy(Owned),
}

/// What the watcher does, to its end.
pub fn serve() -> Result<(), Failure> {
    // Whatever ends the process that we watch, the terminal's Ctrl-C or the service manager's SIGTERM, must not end us.
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
        .map_err(|errno| Errno::from_raw_os_error(errno as i32))
        .failing("hold back", "signals")?;
    // Fails for the leader of a process group, which a process that was just started by another is not.
    let _ = setsid();
    // No directory of anybody's is kept busy.
    chdir("/").failing("chdir to", "/")?;
    umask(Mode::empty());
    send(stdin(), b"!", SendFlags::NOSIGNAL).failing("tell", "the process that is watched")?;
    let mut owned = HashSet::new();
    while let Some(message) = receive()? {
        match message {
            Message::Own(one) => drop(owned.insert(one)),
            Message::Release(one) => drop(owned.remove(&one)),
            Message::Destroy(one) => {
                owned.remove(&one);
                // The next message must not wait for it.
                let _ = thread::Builder::new().spawn(move || remove(&one));
            }
        }
        if owned.is_empty() {
            owned.shrink_to_fit();
        }
    }
    remove_all(owned);
    Ok(())
}

/// The next message; none when the process is gone.
fn receive() -> Result<Option<Message>, Failure> {
    let mut buffer = [0; MAX_MESSAGE];
    loop {
        let length = match retry_on_intr(|| recv(stdin(), &mut buffer, RecvFlags::empty())) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(None),
            other => other.failing("hear from", "the process that is watched")?.0,
        };
        // One that can't be understood is of no version of ours: nothing can be done for it.
        if let Ok(message) = serde_json::from_slice(buffer.get(..length).unwrap_or_default()) {
            return Ok(Some(message));
        }
    }
}

fn remove_all(owned: HashSet<Owned>) {
    let rest = Mutex::new(owned.into_iter());
    let next = || rest.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            // Where there is no thread to be had, the last one, ourselves, does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, || {
                while let Some(one) = next() {
                    remove(&one);
                }
            });
        }
        while let Some(one) = next() {
            remove(&one);
        }
    });
}

/// Nobody is left to be told of a failure; the record then still says what is there.
fn remove(Owned { root, id, created }: &Owned) {
    for _ in 0..TRIES {
        if destroy_created(root, id, created).is_ok() {
            return;
        }
    }
}
