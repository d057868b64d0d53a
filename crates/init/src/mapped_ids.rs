//! The ids of user namespaces: of one that was joined, and of those that nobody lives in, from which an id-mapped mount takes
//! its ids (mount_setattr(2), MOUNT_ATTR_IDMAP).

use crate::failing::Failing;
use alloc::{format, string::String, vec, vec::Vec};
use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{CWD, Mode, OFlags, openat},
    io::{self, Errno},
    process::{WaitId, WaitIdOptions, waitid},
};
use sys::{
    namespace::{kind, kind_of},
    process::dead_child_in_user_namespace,
};
use wire::{
    Failure,
    plan::{IdMap, MappedIds},
};

/// The namespaces made so far: mounts often have the same ids.
#[derive(Default)]
pub struct UserNamespaces<'a> {
    made: Vec<(&'a MappedIds, OwnedFd)>,
}

impl<'a> UserNamespaces<'a> {
    /// A user namespace with these ids. Made with the rights that the caller of the runtime has.
    pub fn with(&mut self, ids: &'a MappedIds) -> Result<BorrowedFd<'_>, Failure> {
        let known = self.made.iter().position(|(others, _)| *others == ids);
        let index = match known {
            Some(index) => index,
            None => {
                let namespace = match ids {
                    MappedIds::Ranges { uids, gids } => make(uids, gids)?,
                    MappedIds::Namespace { path } => open(path)?,
                };
                self.made.push((ids, namespace));
                self.made.len() - 1
            }
        };
        let made = self.made.get(index).ok_or(Errno::BADF).failing("map the ids of a mount", "")?;
        Ok(made.1.as_fd())
    }
}

fn open(path: &str) -> Result<OwnedFd, Failure> {
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).failing("open namespace", path)?;
    match kind_of(file.as_fd()) {
        Ok(kind::USER) => Ok(file),
        _ => Err(Errno::INVAL).failing("map the ids of a mount, since it is not a user namespace, by", path),
    }
}

fn make(uids: &[IdMap], gids: &[IdMap]) -> Result<OwnedFd, Failure> {
    const STEP: &str = "map the ids of a mount through a user namespace:";
    let child = dead_child_in_user_namespace().failing(STEP, "clone")?;
    let namespace = fill(child.as_fd(), uids, gids);
    // __WALL: it sends no signal at its end, so an ignored SIGCHLD can't have it reaped before.
    let options = WaitIdOptions::EXITED | WaitIdOptions::from_bits_retain(0x4000_0000);
    waitid(WaitId::PidFd(child.as_fd()), options).failing(STEP, "wait")?;
    namespace
}

/// Writes the maps of a child's user namespace, and opens it.
fn fill(child: BorrowedFd<'_>, uids: &[IdMap], gids: &[IdMap]) -> Result<OwnedFd, Failure> {
    const STEP: &str = "map the ids of a mount: write";
    let pid = pid_in_proc(child).failing("map the ids of a mount: find a child in", "/proc")?;
    for (file, map) in [("uid_map", uids), ("gid_map", gids)] {
        let path = format!("/proc/{pid}/{file}");
        let lines: String =
            map.iter().map(|IdMap { inside, outside, size }| format!("{inside} {outside} {size}\n")).collect();
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(CWD, path.as_str(), flags, Mode::empty()).failing(STEP, &path)?;
        // One write(2), as user_namespaces(7) has it.
        let written = rustix::io::write(&file, lines.as_bytes()).failing(STEP, lines.trim_end())?;
        if written != lines.len() {
            return Err(Errno::IO).failing(STEP, lines.trim_end());
        }
    }
    let path = format!("/proc/{pid}/ns/user");
    openat(CWD, path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).failing("open namespace", path)
}

/// Fails unless the user namespace that we have joined maps exactly these ids. What it is relative to is its parent, which is
/// the caller's own: the config speaks of that too.
pub fn expect(file: &str, map: &[IdMap]) -> Result<(), Failure> {
    let path = format!("/proc/self/{file}");
    let found = read_map(&path).failing("read", &path)?;
    let same = found.len() == map.len() && map.iter().all(|range| found.contains(range));
    if same {
        Ok(())
    } else {
        Err(Errno::INVAL).failing("join a user namespace with other ids than the config's, by", path)
    }
}

fn read_map(path: &str) -> io::Result<Vec<IdMap>> {
    // 340 lines of three numbers at most (user_namespaces(7)).
    let mut buffer = vec![0; 16 << 10];
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut length = 0;
    loop {
        match rustix::io::read(&file, buffer.get_mut(length..).unwrap_or_default())? {
            0 => break,
            read => length += read,
        }
    }
    let text = buffer.get(..length).and_then(|bytes| str::from_utf8(bytes).ok()).ok_or(Errno::IO)?;
    text.lines()
        .map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(str::parse);
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(Ok(inside)), Some(Ok(outside)), Some(Ok(size))) => Ok(IdMap { inside, outside, size }),
                _ => Err(Errno::IO),
            }
        })
        .collect()
}

/// The number of a process in the PID namespace of the mounted /proc, which need not be ours: "Pid" of proc_pid_fdinfo(5).
fn pid_in_proc(process: BorrowedFd<'_>) -> io::Result<String> {
    let path = format!("/proc/self/fdinfo/{}", process.as_raw_fd());
    let file = openat(CWD, path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut buffer = [0; 512];
    let length = rustix::io::read(&file, &mut buffer)?;
    let text = buffer.get(..length).and_then(|bytes| str::from_utf8(bytes).ok()).ok_or(Errno::IO)?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:")).ok_or(Errno::SRCH)?.trim();
    if pid.bytes().all(|byte| byte.is_ascii_digit()) { Ok(pid.into()) } else { Err(Errno::SRCH) }
}
