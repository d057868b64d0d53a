//! What of a container's messages is for the service manager: sd_notify(3), sd_pid_notify_with_fds(3).
//!
//! The manager can't tell a process of another PID namespace by the pid that it gives itself, so MAINPID is always init's pid on
//! the host. Only lines with names that are known here pass. Descriptors pass with `FDSTORE=1`, to be given back to the
//! container's next life as its LISTEN_FDS, and with `BARRIER=1`, whose closing is the answer; all others are closed.

use rustix::fd::OwnedFd;

/// The lines that pass as they are.
const PASSED_ON: [&str; 8] =
    ["STATUS", "RELOADING", "STOPPING", "ERRNO", "WATCHDOG", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC", "MONOTONIC_USEC"];

/// The lines that are about descriptors: they pass where the message stores or removes some.
const STORE: [&str; 4] = ["FDSTORE", "FDSTOREREMOVE", "FDNAME", "FDPOLL"];

/// A message for the manager.
#[derive(Debug)]
pub struct Message {
    pub text: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
    pub ready: bool,
    /// Has a MAINPID line.
    pub names_init: bool,
}

impl Message {
    /// What of the container's message is for the manager; none if nothing is. `init` is the host pid of init.
    pub fn from_container(text: &[u8], descriptors: Vec<OwnedFd>, init: i32) -> Option<Self> {
        // A NUL would make the manager refuse all of it.
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.contains(&0)).collect();
        let has = |line: &[u8]| lines.contains(&line);
        if text.trim_ascii_end() == b"BARRIER=1" && descriptors.len() == 1 {
            return Some(Self { text: b"BARRIER=1".to_vec(), descriptors, ready: false, names_init: false });
        }
        let stores = has(b"FDSTORE=1") && !descriptors.is_empty();
        let about_store = stores || has(b"FDSTOREREMOVE=1");
        let ready = has(b"READY=1");
        let names_init = ready || lines.iter().any(|line| name_of(line) == "MAINPID");
        let passes = |line: &&[u8]| match name_of(line) {
            "READY" => *line == b"READY=1",
            "FDSTORE" => stores,
            name => PASSED_ON.contains(&name) || (about_store && STORE.contains(&name)),
        };
        let main = format!("MAINPID={init}");
        let mut passed: Vec<&[u8]> = lines.iter().copied().filter(passes).collect();
        if names_init {
            passed.push(main.as_bytes());
        }
        let descriptors = if stores { descriptors } else { Vec::new() };
        (!passed.is_empty()).then(|| Self { text: passed.join(&b'\n'), descriptors, ready, names_init })
    }
}

fn name_of(line: &[u8]) -> &str {
    line.split(|byte| *byte == b'=').next().and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
