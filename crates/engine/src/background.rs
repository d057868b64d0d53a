//! Processes of containers for a host with an event loop: whoever begins one is told of its end by a callback.

use crate::{
    failing::Failing,
    hooks::Failed,
    owner::{self, Ownership},
    store::ContainerDir,
    supervise::ExitStatus,
    terminal::Terminal,
    verbs, wait,
    waiter::{self, Ended},
};
use rustix::{
    event::{PollFd, PollFlags},
    fd::OwnedFd,
    io::Errno,
};
use serde::Deserialize;
use wire::Failure;

/// What counts here of the answer to a verb that begins a process.
#[derive(Deserialize)]
struct Answer {
    ok: Begun,
}

#[derive(Deserialize)]
struct Begun {
    pidfd: i32,
}

/// Calls a verb that begins a process, `launch` or `exec`, and has the process waited for under this number. Returns the verb's
/// answer; the pidfd in it stays ours. `ended` is dropped where nothing was begun.
pub fn begin(number: u64, verb: &str, request: &str, ownership: Option<&Ownership>, ended: Ended) -> String {
    verbs::guarded(verb, || -> Result<String, Failed> {
        let call = || verbs::answer(verb, request);
        let answer = match ownership {
            Some(ownership) => owner::owning(ownership, call)?,
            None => call()?,
        };
        let Answer { ok: Begun { pidfd } } =
            serde_json::from_str(&answer).map_err(|_| Failure::new("begin a process by", verb, 0))?;
        let pidfd = sys::descriptor::adopt(pidfd).failing("take over descriptor", pidfd)?;
        waiter::wait(number, pidfd, ended)?;
        Ok(answer)
    })
}

/// How a process ended, as an answer.
pub fn ending(status: ExitStatus) -> String {
    verbs::ok(&status)
}

/// Has the end of a container's init waited for, whoever launched it; of one that has ended, that is told at once. Returns an
/// answer as verbs do.
pub fn await_end(number: u64, root: &str, id: &str, ended: Ended) -> String {
    verbs::done("awaitEnd", || await_init(number, root, id, ended))
}

fn await_init(number: u64, root: &str, id: &str, ended: Ended) -> Result<(), Failure> {
    let container = ContainerDir::open(root, id)?;
    let init = match container.read_record()?.init {
        Some(init) => init.open()?,
        None if container.is_locked()? => return Err(Errno::AGAIN).failing("wait for container", id),
        None => None,
    };
    match init {
        Some(pidfd) => waiter::wait(number, pidfd, ended),
        None => {
            ended(ExitStatus { exit_code: None, signal: None });
            Ok(())
        }
    }
}

/// Joins the pty of a process to a socket. Returns when the process has ended and its last output is in the socket, or when
/// whoever is at the other end of that has gone; the socket is closed then. An answer as verbs give it.
pub fn relay(number: u64, console: i32, socket: i32) -> String {
    verbs::done("relay", || join(number, console, socket))
}

fn join(number: u64, console: i32, socket: i32) -> Result<(), Failure> {
    let adopt = |number: i32| sys::descriptor::adopt(number).failing("take over descriptor", number);
    // Both are taken over before anything can fail.
    let (console, socket) = (adopt(console), adopt(socket));
    let mut terminal = Terminal::join_socket(console?, socket?)?;
    let mut process: Option<OwnedFd> = waiter::pidfd(number);
    loop {
        if process.is_none() {
            terminal.end();
            if terminal.is_done() {
                return Ok(());
            }
        }
        let [input, pty, output] = terminal.interests();
        let end = process.as_ref().map(|pidfd| PollFd::new(pidfd, PollFlags::IN));
        let [ended, input, pty, output] =
            wait::ready([end, input, pty, output], None).failing("wait for", "a terminal")?;
        terminal.serve([input, pty, output]);
        if ended {
            process = None;
        }
    }
}
