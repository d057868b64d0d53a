//! Which processes a container has, and what the host's ps(1) says of them.

use crate::{
    failing::{Failing, HasErrno},
    inspect,
    store::ContainerDir,
};
use rustix::io::Errno;
use serde::Serialize;
use std::process::{Command, Stdio};
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
