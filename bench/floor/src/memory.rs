//! `memory PROGRAM ARGUMENT…` runs a program and prints how much memory all of its processes had together at their peak, in KiB.
//!
//! They are looked at, by ptrace(2), each time that one of them begins a program or is about to end: what is measured here lives
//! for milliseconds, and ends when it is largest. Counted is the proportional set size of proc_pid_smaps(5), so that what they share
//! counts once. Its children, and those of its children, belong to it; what a service does for it elsewhere does not.

use nix::{
    errno::Errno,
    sys::{
        ptrace::{self, Event, Options},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    io::Write,
    process::{Command, ExitCode, Stdio},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The shell waits until it is traced, and becomes the program.
    let mut child = Command::new("/bin/sh")
        .args(["-c", "read go && exec \"$@\" </dev/null >/dev/null", "sh"])
        .args(env::args_os().skip(1))
        .stdin(Stdio::piped())
        .spawn()?;
    let first = Pid::from_raw(i32::try_from(child.id())?);
    let all = Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK | Options::PTRACE_O_TRACECLONE;
    ptrace::seize(first, all | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACEEXIT)?;
    child.stdin.take().ok_or("no standard input")?.write_all(b"go\n")?;
    let (peak, status) = follow(first)?;
    writeln!(std::io::stdout(), "{peak}")?;
    Ok(if status == Some(0) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Until the last of them has ended. Gives the peak, and the exit status of the first.
fn follow(first: Pid) -> Result<(u64, Option<i32>), Box<dyn Error>> {
    let (mut peak, mut status) = (0, None);
    let mut processes = BTreeSet::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::PtraceEvent(pid, _, event)) => {
                if event == Event::PTRACE_EVENT_EXEC as i32 || event == Event::PTRACE_EVENT_EXIT as i32 {
                    processes.insert(pid);
                    peak = peak.max(processes.iter().filter_map(|pid| memory(*pid)).sum());
                }
                go_on(pid, None)?;
            }
            Ok(WaitStatus::Stopped(pid, signal)) => go_on(pid, Some(signal))?,
            Ok(WaitStatus::Exited(pid, code)) => {
                processes.remove(&pid);
                if pid == first {
                    status = Some(code);
                }
            }
            Ok(WaitStatus::Signaled(pid, ..)) => {
                processes.remove(&pid);
            }
            Ok(_) => {}
            Err(Errno::ECHILD) => return Ok((peak, status)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A process that is killed meanwhile is none of ours any more.
fn go_on(pid: Pid, signal: Option<nix::sys::signal::Signal>) -> nix::Result<()> {
    match ptrace::cont(pid, signal) {
        Err(Errno::ESRCH) => Ok(()),
        result => result,
    }
}

/// Of a process, in KiB; of a thread beside its first nothing, nor of one that is gone.
fn memory(pid: Pid) -> Option<u64> {
    let number = |text: &str, name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    if number(&status, "Tgid:") != u64::try_from(pid.as_raw()).ok() {
        return None;
    }
    number(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:")
}
