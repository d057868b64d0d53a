//! Which processes a container has, and what the host's ps(1) says of them.

use crate::{
    failing::{Failing, HasErrno},
    inspect,
    store::ContainerDir,
    verbs,
};
use rustix::{
    fd::AsFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};
use serde::Serialize;
use std::{
    collections::HashSet,
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use wire::Failure;

/// The host pids of all processes of a container, in ascending order; empty when it has none.
///
/// Without a cgroup to ask, what can be told is init alone: it is listed while it is there.
pub fn processes(root: &str, id: &str) -> Result<Vec<i32>, Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    let mut pids = if record.cgroup.is_empty() {
        Some(inspect::inspect(root, id)?.pid).filter(|pid| *pid != 0).into_iter().collect()
    } else {
        cgroup::pids(&record.cgroup)?
    };
    pids.sort_unstable();
    Ok(pids)
}

/// How often processes are looked for that were forked meanwhile.
const LOOKS: usize = 50;

/// Kills a process of a container, its session, and the descendants of whoever is in that. An answer as verbs give it.
pub fn kill_session_of(root: &str, id: &str, pid: i32) -> String {
    verbs::done("killSession", || kill_session(root, id, pid))
}

fn kill_session(root: &str, id: &str, pid: i32) -> Result<(), Failure> {
    for _ in 0..LOOKS {
        let mut others: Vec<(i32, Kin)> =
            processes(root, id)?.into_iter().filter_map(|one| Some((one, kin(one)?))).collect();
        let mut family: HashSet<i32> =
            others.iter().filter(|(one, kin)| *one == pid || kin.session == pid).map(|(one, _)| *one).collect();
        // Each round finds one more.
        while let Some(at) = others.iter().position(|(one, kin)| family.contains(&kin.parent) && !family.contains(one))
        {
            family.insert(others.swap_remove(at).0);
        }
        if family.is_empty() {
            return Ok(());
        }
        for one in family {
            kill_member(one).failing("kill process", one)?;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The pid may be another process's by the time that it is opened: what it is then has to be what it was.
fn kill_member(member: i32) -> Result<(), Errno> {
    let (Some(pid), Some(before)) = (Pid::from_raw(member), kin(member)) else { return Ok(()) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        other => other?,
    };
    if kin(member).is_none_or(|now| now.start_time != before.start_time) {
        return Ok(());
    }
    match sys::pidfd::send_signal(pidfd.as_fd(), Signal::KILL.as_raw()) {
        Err(Errno::SRCH) => Ok(()),
        other => other,
    }
}

/// Whose a process is.
struct Kin {
    parent: i32,
    session: i32,
    start_time: u64,
}

/// None of a process that is gone or has ended: proc_pid_stat(5).
fn kin(pid: i32) -> Option<Kin> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let start_time = fields.nth(15)?.parse().ok()?;
    Some(Kin { parent, session, start_time })
}

/// What a program of the host wrote, and whether it ended well.
#[derive(Debug, Serialize)]
pub struct Output {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a program of the host, looked up in PATH, to its end, with an empty standard input. Fails with step `run`.
pub fn run_program(argv: &[String]) -> Result<Output, Failure> {
    let (program, arguments) = argv.split_first().ok_or(Errno::INVAL).failing("run", "no program")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::new("run", program, error.errno()))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Output { ok: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) })
}
