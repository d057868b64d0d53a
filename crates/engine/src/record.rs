//! What is kept of a container between two commands: the file `record.json` in its directory.
//!
//! It is written three times, each before what it tells of can matter: with the cgroup as planned (before its directories
//! are made), with the cgroup as made (before a process is let in), and with init (before init goes on by itself). So whenever
//! a command is killed, `delete --force` finds in it what exists.

use crate::{agent, failing::Failing};
use cgroup::CgroupRef;
use rustix::{
    fd::OwnedFd,
    fs::{self, Mode, OFlags},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs::File, io::Read, os::fd::AsFd};
use wire::{
    Failure,
    plan::{HostHooks, RecordSeed, UnitPlan},
};

/// The version that this program writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// A container as it was launched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// [`VERSION`].
    pub version: u32,
    /// The cgroup's directories; empty without a cgroup. This and `init` come first in the file: see [`Remains`].
    pub cgroup: Vec<CgroupRef>,
    /// The container's first process; none before it is made.
    pub init: Option<Identity>,
    pub id: String,
    pub oci_version: String,
    pub bundle: String,
    pub rootfs: String,
    /// RFC 3339.
    pub created: String,
    /// The uid that launched it.
    pub owner: u32,
    pub annotations: BTreeMap<String, String>,
    /// The seccomp agent of its first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<agent::Address>,
    /// The systemd unit that the cgroup belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// linux.resources as JSON: those that it was launched with, and what updates made of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<String>,
    /// Directories of resctrl that are the container's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resctrl: Vec<String>,
    /// The container's processes stay in the session keyring of their caller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shares_keyring: bool,
    /// Those of the host, for the moments that are still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HostHooks>,
}

/// A systemd unit, as [`UnitPlan`] describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unit {
    pub name: String,
    /// It is the user's own manager that has it.
    pub user: bool,
}

impl From<&UnitPlan> for Unit {
    fn from(plan: &UnitPlan) -> Self {
        Self { name: plan.name.clone(), user: plan.user }
    }
}

impl Record {
    /// The record before anything is made.
    pub fn new(seed: &RecordSeed, cgroup: Vec<CgroupRef>) -> Self {
        let RecordSeed { id, oci_version, bundle, rootfs, created, annotations, resources, hooks, root: _ } =
            seed.clone();
        Self {
            version: VERSION,
            cgroup,
            init: None,
            id,
            oci_version,
            bundle,
            rootfs,
            created,
            owner: rustix::process::geteuid().as_raw(),
            annotations,
            agent: None,
            unit: None,
            resources,
            resctrl: Vec::new(),
            shares_keyring: false,
            hooks,
        }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(|_| Failure::new("write record", &self.id, Errno::INVAL.raw_os_error()))
    }

    /// Reads what [`Record::to_json`] wrote for the container `id`. Fails with EPROTO for another version, EBADMSG for anything
    /// else.
    pub(crate) fn from_json(id: &str, json: &[u8]) -> Result<Self, Failure> {
        /// The part that every version has.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged = || Failure::new("read record", id, Errno::BADMSG.raw_os_error());
        match serde_json::from_slice::<Versioned>(json) {
            Ok(Versioned { version: VERSION }) => {}
            Ok(Versioned { version }) => {
                let object = format!("{id} (version {version}, not {VERSION})");
                return Err(Failure::new("read record", object, Errno::PROTO.raw_os_error()));
            }
            Err(_) => return Err(damaged()),
        }
        let record: Self = serde_json::from_slice(json).map_err(|_| damaged())?;
        if record.id == id { Ok(record) } else { Err(damaged()) }
    }
}

/// What a record that can't be read still says of what has to be cleared away. Trusting it is safe: a process is checked by
/// its start time and a cgroup by its inode.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remains {
    pub cgroup: Vec<CgroupRef>,
    pub init: Option<Identity>,
}

impl Remains {
    /// Looks for the fields by their names, and takes what can be read after them. The names can't occur in a string: JSON
    /// writes the quotation marks in one with a backslash.
    pub fn of(json: &str) -> Self {
        fn after<'a>(json: &'a str, name: &str) -> Option<&'a str> {
            json.split_once(name).map(|(_, rest)| rest)
        }
        fn first<T: for<'a> Deserialize<'a>>(json: &str) -> Option<(T, &str)> {
            let mut values = serde_json::Deserializer::from_str(json).into_iter::<T>();
            let value = values.next()?.ok()?;
            Some((value, json.get(values.byte_offset()..)?))
        }
        let mut cgroup = Vec::new();
        let mut rest = after(json, "\"cgroup\":[");
        while let Some((reference, behind)) = rest.and_then(first) {
            cgroup.push(reference);
            rest = behind.strip_prefix(',');
        }
        Self { cgroup, init: after(json, "\"init\":").and_then(first).map(|(init, _)| init) }
    }
}

/// A process, told from a later one of the same pid by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// In our pid namespace.
    pub pid: i32,
    /// In clock ticks since boot: field 22 of /proc/PID/stat (proc_pid_stat(5)).
    pub start_time: u64,
}

impl Identity {
    /// The identity of a process that can't go away meanwhile: our unreaped child, or one whose pidfd is checked afterwards.
    pub fn of(pid: i32) -> Result<Self, Failure> {
        let stat = read_stat(pid).failing("look at process", pid)?;
        Ok(Self { pid, start_time: stat.start_time })
    }

    /// A pidfd of the process, or none when it is gone, is a zombie, or its pid is another process's now.
    pub fn open(&self) -> Result<Option<OwnedFd>, Failure> {
        let Some(pid) = positive(self.pid) else { return Ok(None) };
        let name = self.pid.to_string();
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            // EINVAL: the pid is that of a thread now.
            Err(Errno::SRCH | Errno::INVAL) => return Ok(None),
            other => other.failing("open process", &name)?,
        };
        // Looked at after it was opened: the same start time means that the pidfd is that of our process.
        match read_stat(self.pid) {
            Err(Errno::NOENT | Errno::SRCH) => Ok(None),
            other => {
                let stat = other.failing("look at process", &name)?;
                Ok((stat.start_time == self.start_time && !stat.ended).then_some(pidfd))
            }
        }
    }
}

/// A pid that can be one; rustix takes no negative number.
fn positive(pid: i32) -> Option<Pid> {
    if pid > 0 { Pid::from_raw(pid) } else { None }
}

struct Stat {
    start_time: u64,
    /// A zombie or dead.
    ended: bool,
}

fn read_stat(pid: i32) -> rustix::io::Result<Stat> {
    let path = format!("/proc/{pid}/stat");
    let file = fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = Vec::with_capacity(512);
    File::from(file).read_to_end(&mut text).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    parse_stat(&text).ok_or(Errno::BADMSG)
}

/// The second field is the program's name in parentheses. It may contain anything, so the rest starts after the last `)`.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let behind_name = text.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = str::from_utf8(text.get(behind_name..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    // Field 3 is the state, field 22 the start time.
    let ended = matches!(fields.next()?, "Z" | "X" | "x");
    Some(Stat { start_time: fields.nth(18)?.parse().ok()?, ended })
}

/// Whether the process of a pidfd has ended, or does so within `patience`.
pub(crate) fn has_ended(pidfd: impl AsFd, patience: std::time::Duration) -> rustix::io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let deadline = std::time::Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) {
            Err(Errno::INTR) => {}
            other => return other.map(|ready| ready > 0),
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
