//! Runs hooks of the runtime-spec (config.md, "POSIX-platform Hooks"): on the host for the engine, in the container for init.
//!
//! A hook is a program of its own session that gets the container's state on standard input and none of our descriptors. What it
//! writes is read from one pipe, so that a message can end with the end of it. It is over when its program is: processes that
//! it leaves behind may hold the pipe as long as they like. Only one that ran out of time is killed with all of its session's.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod output;

pub use output::Output;

use alloc::{
    ffi::CString,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{ffi::CStr, time::Duration};
use output::Tail;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
    fs::{MemfdFlags, SeekFrom, memfd_create, seek},
    io::{self, Errno, retry_on_intr, write},
    pipe::{PipeFlags, pipe_with},
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid},
};
use sys::{
    seccomp::Filter,
    spawn::{Foreign, Program, Spawn, Spawned, spawn},
};
use wire::{Failure, plan::Hook};

/// How much of a command line a message has, in bytes.
const MAX_COMMAND: usize = 1024;

/// The hooks of one kind, and what all of them get.
pub struct Hooks<'a> {
    /// The name in the runtime-spec: `createRuntime`.
    pub kind: &'a str,
    pub hooks: &'a [Hook],
    /// The container's state, as JSON.
    pub state: &'a str,
    /// Where they start; our own directory if it is not given.
    pub directory: Option<&'a str>,
    pub output: &'a Output,
    /// What their system calls go through.
    pub filter: Option<Filter<'a>>,
}

impl Hooks<'_> {
    /// Runs them in order, up to the first that fails.
    pub fn run(&self) -> Result<(), Failure> {
        self.hooks.iter().enumerate().try_for_each(|(index, hook)| self.run_one(index, hook))
    }

    /// Runs all of them, also after one that fails.
    pub fn run_all(&self) -> Vec<Failure> {
        self.hooks.iter().enumerate().filter_map(|(index, hook)| self.run_one(index, hook).err()).collect()
    }

    fn run_one(&self, index: usize, hook: &Hook) -> Result<(), Failure> {
        let failure = |what: &str, errno: i32| {
            let name = format!("#{index} ({}){what}", command(hook));
            Failure::new(&step(self.kind), name, errno)
        };
        match self.run_program(hook) {
            Ok(ended) if ended.is_success() => Ok(()),
            Ok(ended) => Err(failure(&ended.describe(hook), 0)),
            Err(errno) => Err(failure("", errno.raw_os_error())),
        }
    }

    fn run_program(&self, hook: &Hook) -> io::Result<Ended> {
        let path = string(&hook.path)?;
        let (arguments, environment) = (strings(&hook.args)?, strings(&hook.env)?);
        let directory = self.directory.map(string).transpose()?;
        let input = input(self.state)?;
        let (written, pipe) = pipe_with(PipeFlags::CLOEXEC)?;
        let began = sys::clock::now();
        let Spawned { pid, pidfd } = spawn(&Spawn {
            program: Program::Path(&path),
            arguments: &borrow(&arguments),
            environment: &borrow(&environment),
            descriptors: &[
                input.as_fd(),
                self.output.stdout.as_ref().unwrap_or(&pipe).as_fd(),
                self.output.stderr.as_ref().unwrap_or(&pipe).as_fd(),
            ],
            pid_namespace: false,
            cgroup: None,
            foreign: Some(Foreign { directory: directory.as_deref(), filter: self.filter }),
        })?;
        // The hook and its children alone can write now: the end of all of them is the end of the file.
        drop((pipe, input));
        let deadline = hook.timeout.map(|seconds| began + Duration::from_secs(seconds.into()));
        let mut tail = Tail::default();
        let timed_out = !listen(&pidfd, &written, &mut tail, deadline)?;
        if timed_out && let Some(pid) = Pid::from_raw(pid) {
            // The program is its session's first process: all that have not left that get it.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let status =
            retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED))?.ok_or(Errno::CHILD)?;
        tail.read_rest(&written);
        Ok(Ended { status, timed_out, elapsed: sys::clock::now().saturating_sub(began), tail })
    }
}

/// The step of a failure of a hook of this kind.
pub fn step(kind: &str) -> String {
    format!("run {kind} hook")
}

/// Reads what is written until the program ends, which is true, or its time is over.
fn listen(pidfd: &OwnedFd, written: &OwnedFd, tail: &mut Tail, deadline: Option<Duration>) -> io::Result<bool> {
    let mut open = true;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_sub(sys::clock::now()));
        let timeout =
            left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() });
        let mut polled = [PollFd::new(pidfd, PollFlags::IN), PollFd::new(written, PollFlags::IN)];
        // A pipe that nobody writes to any more would be ready without end.
        let count = if open { 2 } else { 1 };
        match poll(polled.get_mut(..count).unwrap_or_default(), timeout.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        let [ended, readable] = polled.map(|one| !one.revents().is_empty());
        if ended {
            return Ok(true);
        }
        if readable {
            open = tail.read(written)?;
        }
    }
}

/// How a hook's program ended.
struct Ended {
    status: WaitIdStatus,
    timed_out: bool,
    elapsed: Duration,
    tail: Tail,
}

impl Ended {
    fn is_success(&self) -> bool {
        !self.timed_out && self.status.exit_status() == Some(0)
    }

    fn describe(&self, hook: &Hook) -> String {
        let how = match (self.timed_out, self.status.exit_status(), self.status.terminating_signal()) {
            (true, ..) => {
                format!("killed, as it ran longer than its timeout of {} s,", hook.timeout.unwrap_or_default())
            }
            (_, Some(status), _) => format!("exit status {status}"),
            (.., signal) => format!("killed by signal {}", signal.unwrap_or_default()),
        };
        let (seconds, milliseconds) = (self.elapsed.as_secs(), self.elapsed.subsec_millis());
        let said = self.tail.to_string();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        format!(": {how} after {seconds}.{milliseconds:03} s{said}")
    }
}

/// A file with the state, to be read from its start. Not a pipe: a hook need not read it, and it may be long.
fn input(state: &str) -> io::Result<OwnedFd> {
    let file = memfd_create(c"state", MemfdFlags::CLOEXEC)?;
    let mut rest = state.as_bytes();
    while !rest.is_empty() {
        let written = retry_on_intr(|| write(&file, rest))?;
        rest = rest.get(written..).unwrap_or_default();
    }
    seek(&file, SeekFrom::Start(0))?;
    Ok(file)
}

/// The command line of a hook, for a message.
fn command(hook: &Hook) -> String {
    let mut line = hook.path.clone();
    for argument in hook.args.iter().skip(1) {
        if line.len() + argument.len() > MAX_COMMAND {
            line.push_str(" …");
            break;
        }
        line.push(' ');
        line.push_str(argument);
    }
    line
}

fn string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| Errno::INVAL)
}

fn strings(list: &[String]) -> io::Result<Vec<CString>> {
    list.iter().map(|text| string(text)).collect()
}

fn borrow(strings: &[CString]) -> Vec<&CStr> {
    strings.iter().map(CString::as_c_str).collect()
}
