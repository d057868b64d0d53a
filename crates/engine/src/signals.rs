//! The signals that we get while we stand for a container in the foreground: held back, and read one by one from a signalfd(2).
//!
//! Only the static host does this. It has one thread, so the mask of that thread is the mask of the process. A program inherits it
//! from whoever starts it: `sys::spawn` starts init with none, `sys::command` is for every other.

use crate::failing::Failing;
use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use rustix::{
    event::{PollFd, PollFlags},
    io,
    process::getpid,
};
use wire::Failure;

/// Holds back every signal that can be, so that one which comes before [`Signals::listen`] waits for it instead of ending us
/// halfway through a launch. The static host calls it before a launch in the foreground.
pub fn hold_signals() -> Result<(), Failure> {
    SigSet::all().thread_block().map_err(errno).failing("hold back", "signals")
}

/// Lets signals through again, those that came meanwhile first: for a wait that a signal should end.
pub fn release_signals() -> Result<(), Failure> {
    SigSet::empty().thread_set_mask().map_err(errno).failing("let through", "signals")
}

pub struct Signals {
    descriptor: SignalFd,
    /// The mask to go back to.
    before: SigSet,
}

impl Signals {
    /// Holds back all signals and takes those that come. With a terminal of ours in use, SIGTTIN and SIGTTOU keep their job:
    /// to stop us when we use it from the background.
    pub fn listen(uses_terminal: bool) -> Result<Self, Failure> {
        let mut held = SigSet::all();
        if uses_terminal {
            held.remove(Signal::SIGTTIN);
            held.remove(Signal::SIGTTOU);
        }
        let descriptor = SignalFd::with_flags(&held, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        let descriptor = descriptor.map_err(errno).failing("listen for", "signals")?;
        let before = SigSet::thread_get_mask().map_err(errno).failing("hold back", "signals")?;
        held.thread_set_mask().map_err(errno).failing("hold back", "signals")?;
        Ok(Self { descriptor, before })
    }

    pub fn interest(&self) -> PollFd<'_> {
        PollFd::new(&self.descriptor, PollFlags::IN)
    }

    /// The number of the next signal that somebody sent us. A SIGPIPE of our own writing is none.
    pub fn next(&self) -> Result<Option<i32>, Failure> {
        while let Some(signal) = self.descriptor.read_signal().map_err(errno).failing("read", "signals")? {
            let number = signal.ssi_signo.cast_signed();
            let from_us = signal.ssi_pid == getpid().as_raw_pid().cast_unsigned();
            if !(from_us && number == Signal::SIGPIPE as i32) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // Fails for an invalid operation only, and SIG_SETMASK is none.
        let _ = self.before.thread_set_mask();
    }
}

fn errno(errno: Errno) -> io::Errno {
    io::Errno::from_raw_os_error(errno as i32)
}
