//! Starts programs for the benchmark and measures them: Node's own spawn takes longer than some of what is measured.
//!
//! A line of standard input is a JSON array of steps, done one after the other; a line of standard output tells how long those with
//! `timed` took together. A program's standard streams are /dev/null, except for standard error, which is reported when the
//! program does not end as it should. We are a child subreaper, so that the init of a created container becomes our child, and can be awaited.

use rustix::process::{WaitOptions, getpid, set_child_subreaper, wait};
use serde::{Deserialize, Serialize};
use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::{BufRead, Write, stdin, stdout},
    process::{Command, Stdio},
    time::Instant,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    /// The program, by its path, and its arguments. Empty: wait until every process that we have is gone.
    argv: Vec<String>,
    timed: bool,
    /// It fails, and says this.
    refusal: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    nanoseconds: u128,
    /// Why the steps were not done to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let messages = std::env::args().nth(1).ok_or("usage: spawner FILE-FOR-MESSAGES")?;
    set_child_subreaper(Some(getpid()))?;
    for line in stdin().lock().lines() {
        let steps: Vec<Step> = serde_json::from_str(&line?)?;
        let report = perform(&steps, &messages)?;
        let mut output = serde_json::to_vec(&report)?;
        output.push(b'\n');
        stdout().write_all(&output)?;
    }
    Ok(())
}

fn perform(steps: &[Step], messages: &str) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::default();
    for Step { argv, timed, refusal } in steps {
        let Some((program, arguments)) = argv.split_first() else {
            while wait(WaitOptions::empty()).is_ok() {}
            continue;
        };
        let errors = OpenOptions::new().create(true).write(true).truncate(true).open(messages)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        let before = Instant::now();
        let status = command.spawn()?.wait()?;
        let took = before.elapsed();
        if *timed {
            report.nanoseconds += took.as_nanos();
        }
        let message = if status.success() { None } else { Some(fs::read_to_string(messages)?) };
        let as_it_should = match (&message, refusal) {
            (None, None) => true,
            (Some(message), Some(refusal)) => message.contains(refusal),
            _ => false,
        };
        if !as_it_should {
            let message = message.unwrap_or_default();
            report.failed = Some(format!("{}: {status}: {}", argv.join(" "), message.trim()));
            break;
        }
    }
    Ok(report)
}
