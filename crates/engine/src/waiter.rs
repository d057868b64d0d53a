//! Waiting for the end of many processes with one thread, for a host that has thousands of containers (Node).
//!
//! Each is waited for by its pidfd, so that no child of somebody else in this process is reaped.

use crate::{failing::Failing, supervise::ExitStatus};
use rustix::{
    event::epoll,
    fd::{AsFd, OwnedFd},
    io::{Errno, fcntl_dupfd_cloexec, retry_on_intr},
    process::{WaitId, WaitIdOptions, waitid},
};
use std::{
    collections::HashMap,
    mem::MaybeUninit,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use wire::Failure;

/// Hears how a process ended, in the waiting thread: it must not block. Nothing, of a process that is not our child.
pub type Ended = Box<dyn FnOnce(ExitStatus) + Send>;

struct Waiter {
    epoll: OwnedFd,
    waits: Mutex<Waits>,
}

type Waits = HashMap<u64, (OwnedFd, Ended)>;

/// Made at the first wait, and kept.
static WAITER: OnceLock<Waiter> = OnceLock::new();

/// A number for a process that is yet to be.
pub fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Has the end of a process told to `ended`, and its remains taken away if it is our child. Until then it has this number.
pub fn wait(number: u64, pidfd: OwnedFd, ended: Ended) -> Result<(), Failure> {
    let waiter = waiter()?;
    let mut waits = waiter.waits();
    // Under the lock: the end may come at once.
    epoll::add(&waiter.epoll, &pidfd, epoll::EventData::new_u64(number), epoll::EventFlags::IN)
        .failing("wait for", "a process")?;
    waits.insert(number, (pidfd, ended));
    Ok(())
}

/// Waits no more: what was to be told is dropped. False when it was told, or is about to be.
pub fn cancel(number: u64) -> bool {
    let wait = WAITER.get().and_then(|waiter| waiter.take(number));
    wait.is_some()
}

/// Sends a signal to a process. False when it has ended.
pub fn signal(number: u64, signal: i32) -> Result<bool, Failure> {
    let Some(waiter) = WAITER.get() else { return Ok(false) };
    match waiter.waits().get(&number).map(|(pidfd, _)| sys::pidfd::send_signal(pidfd.as_fd(), signal)) {
        None | Some(Err(Errno::SRCH)) => Ok(false),
        Some(sent) => sent.map(|()| true).failing("signal process", signal),
    }
}

/// A pidfd of its own of a process that has not ended yet.
pub fn pidfd(number: u64) -> Option<OwnedFd> {
    let waits = WAITER.get()?.waits();
    waits.get(&number).and_then(|(pidfd, _)| fcntl_dupfd_cloexec(pidfd, 3).ok())
}

fn waiter() -> Result<&'static Waiter, Failure> {
    if let Some(waiter) = WAITER.get() {
        return Ok(waiter);
    }
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).failing("wait for", "processes")?;
    let fresh = Waiter { epoll, waits: Mutex::default() };
    // Another thread may have been quicker; then its waiter is used and ours goes.
    if WAITER.set(fresh).is_ok()
        && let Some(waiter) = WAITER.get()
    {
        thread::Builder::new().name("gantry wait".into()).spawn(|| waiter.run()).failing("start", "a thread")?;
    }
    WAITER.get().ok_or(Errno::AGAIN).failing("wait for", "processes")
}

impl Waiter {
    fn run(&self) {
        let mut events = [MaybeUninit::uninit(); 64];
        loop {
            let numbers: Vec<u64> = match epoll::wait(&self.epoll, &mut events, None) {
                Ok((ready, _)) => ready.iter().map(|event| event.data.u64()).collect(),
                Err(Errno::INTR) => continue,
                // For no reason that would go away: an end that is never told is all that can be made of it.
                Err(_) => return,
            };
            for number in numbers {
                if let Some((pidfd, ended)) = self.take(number) {
                    ended(status_of(&pidfd));
                }
            }
        }
    }

    fn take(&self, number: u64) -> Option<(OwnedFd, Ended)> {
        let wait = self.waits().remove(&number)?;
        // Closing would do, but that a child of Node may have the descriptor for a moment.
        let _ = epoll::delete(&self.epoll, &wait.0);
        Some(wait)
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a process that has ended did so; nothing of one that is not our child, or was waited for by somebody else.
fn status_of(pidfd: &OwnedFd) -> ExitStatus {
    let status = retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)).ok().flatten();
    ExitStatus {
        exit_code: status.as_ref().and_then(|status| status.exit_status()),
        signal: status.as_ref().and_then(|status| status.terminating_signal()),
    }
}

#[cfg(test)]
#[path = "waiter_tests.rs"]
mod tests;
