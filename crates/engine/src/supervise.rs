//! Waiting for a container's init in the foreground, and what has to be done meanwhile: signals are forwarded, orphans reaped, the
//! terminal is served, and so is sd_notify.
//!
//! One loop over poll(2), in the calling thread. Init is named by its pidfd and waited for through it, so that no other
//! child of this process is taken: in Node there are some. Only with `subreaper` and `forward_signals`, which the static host
//! sets, all children are reaped: then every one is either init or an orphan of the container.

use crate::{failing::Failing, notify::Proxy, signals::Signals, terminal::Terminal, wait};
use nix::libc;
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fd::{AsFd, OwnedFd},
    io::{self, Errno},
    process::{Pid, WaitId, WaitIdOptions, WaitOptions, child_subreaper, getpid, set_child_subreaper, waitid},
};
use serde::{Deserialize, Serialize};
use wire::Failure;

/// `Supervision` of src/host/host.ts. The descriptors are ours from here on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Supervision {
    pub root: String,
    pub id: String,
    pub pid: i32,
    pub pidfd: i32,
    /// The pty master to join to our standard streams.
    pub console: Option<i32>,
    /// From `start`.
    pub notifier: Option<i32>,
    /// Adopt orphans of the container while we wait.
    pub subreaper: bool,
    /// Forward the signals that we get to init. Holds signals back in the calling thread, which must be the only one.
    pub forward_signals: bool,
}

/// How a process ended: one of the two is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
}

/// Waits for a container's init, which must be our child. Whatever was changed about this process and its terminal is as before
/// when it returns, also with an error.
pub fn supervise(request: &Supervision) -> Result<ExitStatus, Failure> {
    // All are taken over before anything can fail, so that none stays open behind.
    let pidfd = adopt(request.pidfd);
    let console = request.console.map(adopt).transpose();
    let notifier = request.notifier.map(adopt).transpose();
    let (pidfd, console, notifier) = (pidfd?, console?, notifier?);

    let _subreaper = if request.subreaper { Some(Subreaper::become_one()?) } else { None };
    let mut watch = Watch {
        pid: request.pid,
        pidfd,
        status: None,
        signals: if request.forward_signals { Some(Signals::listen(console.is_some())?) } else { None },
        reaps: request.subreaper && request.forward_signals,
        terminal: console.map(Terminal::join).transpose()?,
        proxy: notifier.map(|notifier| Proxy::open(notifier, request.pid)).transpose()?,
    };
    watch.run()
}

fn adopt(number: i32) -> Result<OwnedFd, Failure> {
    sys::descriptor::adopt(number).failing("take over descriptor", number)
}

struct Watch {
    pid: i32,
    pidfd: OwnedFd,
    /// Set when init is gone.
    status: Option<ExitStatus>,
    signals: Option<Signals>,
    reaps: bool,
    terminal: Option<Terminal>,
    proxy: Option<Proxy>,
}

impl Watch {
    fn run(&mut self) -> Result<ExitStatus, Failure> {
        // Children that ended before signals were held back have sent theirs in vain.
        self.reap();
        loop {
            if let Some(status) = self.status {
                if let Some(terminal) = &mut self.terminal {
                    terminal.end();
                }
                if self.terminal.as_ref().is_none_or(Terminal::is_done) {
                    self.forward(Proxy::finish);
                    return Ok(status);
                }
            }
            let [ended, signalled, said, input, pty, output] = self.wait()?;
            if self.signals.is_none()
                && let Some(terminal) = &self.terminal
            {
                terminal.copy_size();
            }
            if signalled && self.serve_signals()? {
                // Init is gone, whoever waits for the last output does not want to: an end to it.
                self.terminal = None;
            }
            if said {
                self.forward(Proxy::serve);
            }
            if let Some(terminal) = &mut self.terminal {
                terminal.serve([input, pty, output]);
            }
            if ended && self.status.is_none() {
                self.status = Some(self.collect()?);
            }
        }
    }

    /// Waits for something to do: init's end, a signal, sd_notify, and the three of the terminal.
    fn wait(&self) -> Result<[bool; 6], Failure> {
        let init = Some(PollFd::new(&self.pidfd, PollFlags::IN)).filter(|_| self.status.is_none());
        let signals = self.signals.as_ref().map(Signals::interest);
        let proxy = self.proxy.as_ref().and_then(Proxy::interest);
        let [input, pty, output] = self.terminal.as_ref().map(Terminal::interests).unwrap_or_default();
        // In Node nobody can hold SIGWINCH back for us: the size is looked at now and then.
        let watch_size = self.signals.is_none() && self.terminal.is_some();
        let look = watch_size.then_some(Timespec { tv_sec: 0, tv_nsec: 100_000_000 });
        let pause = self.proxy.as_ref().and_then(Proxy::pause);
        let timeout = look.into_iter().chain(pause).min();
        wait::ready([init, signals, proxy, input, pty, output], timeout.as_ref()).failing("wait for", "init")
    }

    /// True when a signal came that init can't be sent any more.
    fn serve_signals(&mut self) -> Result<bool, Failure> {
        let mut in_vain = false;
        while let Some(signal) = self.signals.as_ref().map(Signals::next).transpose()?.flatten() {
            match (signal, &self.terminal) {
                (libc::SIGCHLD, _) => self.reap(),
                (libc::SIGURG, _) => {}
                (libc::SIGWINCH, Some(terminal)) => terminal.copy_size(),
                (libc::SIGWINCH, None) => {}
                (signal, terminal) => {
                    if let (libc::SIGCONT, Some(terminal)) = (signal, terminal) {
                        terminal.resume();
                    }
                    in_vain |= sys::pidfd::send_signal(self.pidfd.as_fd(), signal) == Err(Errno::SRCH);
                }
            }
        }
        Ok(in_vain)
    }

    /// Reaps orphans of the container that have ended; init too, if it is among them.
    fn reap(&mut self) {
        if !self.reaps {
            return;
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid.as_raw_pid() == self.pid {
                self.status = Some(ExitStatus { exit_code: status.exit_status(), signal: status.terminating_signal() });
            }
        }
    }

    /// The status of init, which has ended.
    fn collect(&self) -> Result<ExitStatus, Failure> {
        let waited = io::retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED));
        let status = waited.failing("wait for", "init")?.ok_or(Errno::CHILD).failing("wait for", "init")?;
        Ok(ExitStatus { exit_code: status.exit_status(), signal: status.terminating_signal() })
    }

    fn forward(&mut self, pass_on: fn(&mut Proxy) -> io::Result<bool>) {
        // The container's life is worth more than that its manager hears of it.
        if self.proxy.as_mut().is_some_and(|proxy| pass_on(proxy).is_err_and(|errno| errno == Errno::BADF)) {
            self.proxy = None;
        }
    }
}

/// We are a child subreaper (PR_SET_CHILD_SUBREAPER) until this is dropped, or were one before.
struct Subreaper {
    before: Option<Pid>,
}

impl Subreaper {
    fn become_one() -> Result<Self, Failure> {
        let set = || {
            let before = child_subreaper()?;
            // Any number but 0 sets it.
            set_child_subreaper(Some(getpid()))?;
            Ok::<_, Errno>(Self { before })
        };
        set().failing("adopt orphans of", "the container")
    }
}

impl Drop for Subreaper {
    fn drop(&mut self) {
        // The prctl has no way to fail.
        let _ = set_child_subreaper(self.before);
    }
}

#[cfg(test)]
#[path = "supervise_tests.rs"]
mod tests;
