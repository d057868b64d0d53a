//! The processes of a container, by its cgroup: listing and killing them.

use crate::{Backoff, CgroupRef, PATIENCE, failure, freezer, tree};
use rustix::{
    fd::{AsFd, OwnedFd},
    io::{self, Errno},
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};
use wire::Failure;

/// How many pidfds are held at a time while signals are sent.
const BATCH: usize = 128;

/// The host pids of all processes in the cgroup and below it; empty where it is gone.
pub fn pids(refs: &[CgroupRef]) -> Result<Vec<i32>, Failure> {
    match representative(refs)? {
        None => Ok(Vec::new()),
        Some((reference, directory)) => {
            pids_in(&directory).map_err(failure("list processes of cgroup", &reference.path))
        }
    }
}

/// Sends a signal to every process. SIGKILL leaves none that was forked meanwhile, and resumes a frozen cgroup, so that its
/// processes can end. Returns before they have ended; [`crate::remove`] waits for that.
///
/// A directory without a recorded inode is left alone: none of our processes was ever let in.
pub fn kill(refs: &[CgroupRef], signal: i32) -> Result<(), Failure> {
    let refs: Vec<CgroupRef> = refs.iter().filter(|reference| reference.inode.is_some()).cloned().collect();
    let Some((reference, directory)) = representative(&refs)? else { return Ok(()) };
    let step = || failure("kill processes of cgroup", &reference.path);
    if signal != Signal::KILL.as_raw() {
        return signal_all(&directory, signal).map_err(step());
    }
    if !any(&directory).map_err(step())? {
        return Ok(());
    }
    match kill_v2(reference, &directory) {
        // Before Linux 5.14, or in a v1 hierarchy.
        Err(Errno::NOENT) => kill_frozen(&refs, &directory).map_err(step()),
        // The v2 freezer lets processes be killed; that of v1 does not.
        Ok(()) => freezer::thaw(&refs),
        // systemd removes the cgroup of a unit as soon as it is empty.
        Err(Errno::NODEV) => Ok(()),
        Err(error) => Err(step()(error)),
    }
}

/// Whether there is any process in the cgroup or below it, one that has no pid in our pid namespace included.
pub(crate) fn any(directory: &OwnedFd) -> io::Result<bool> {
    match tree::read(directory, "cgroup.events") {
        Ok(events) => return Ok(events.lines().any(|line| line == "populated 1")),
        // v1, or the root of a v2 hierarchy.
        Err(Errno::NOENT) => {}
        Err(Errno::NODEV) => return Ok(false),
        Err(error) => return Err(error),
    }
    let mut found = false;
    tree::walk(directory, |one| {
        found = found || !read_pids(one)?.is_empty();
        Ok(())
    })?;
    Ok(found)
}

/// The directory that stands for all: a container's processes are in the same place everywhere. v2 is the cheapest to ask.
fn representative(refs: &[CgroupRef]) -> Result<Option<(&CgroupRef, OwnedFd)>, Failure> {
    let mut candidates: Vec<&CgroupRef> = refs.iter().collect();
    candidates.sort_by_key(|reference| (reference.version != 2, !reference.freezer));
    for reference in candidates {
        if let Some(directory) = tree::open(reference).map_err(failure("open cgroup", &reference.path))? {
            return Ok(Some((reference, directory)));
        }
    }
    Ok(None)
}

fn kill_v2(reference: &CgroupRef, directory: &OwnedFd) -> io::Result<()> {
    if reference.version == 1 {
        return Err(Errno::NOENT);
    }
    tree::write(directory, "cgroup.kill", "1")
}

/// Kills without cgroup.kill: frozen processes can't fork, so one pass gets all; the signal acts when they are thawed.
fn kill_frozen(refs: &[CgroupRef], directory: &OwnedFd) -> io::Result<()> {
    // Where it can't be frozen, more passes have to do.
    let _ = freezer::freeze(refs);
    let mut backoff = Backoff::new(PATIENCE);
    loop {
        let sent = signal_all(directory, Signal::KILL.as_raw());
        let thawed = freezer::thaw(refs);
        sent?;
        thawed.map_err(|failure| Errno::from_raw_os_error(failure.errno))?;
        if !any(directory)? {
            return Ok(());
        }
        if !backoff.wait() {
            return Err(Errno::TIMEDOUT);
        }
    }
}

/// Signals each process through a pidfd, and only those that the cgroup still lists after the pidfd was opened: by then a pid
/// that was taken over by another process is either not listed or belongs to a member.
fn signal_all(directory: &OwnedFd, signal: i32) -> io::Result<()> {
    for batch in pids_in(directory)?.chunks(BATCH) {
        let mut held = Vec::with_capacity(batch.len());
        for pid in batch {
            match Pid::from_raw(*pid).map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
                None | Some(Err(Errno::SRCH)) => {}
                Some(pidfd) => held.push((*pid, pidfd?)),
            }
        }
        let members = pids_in(directory)?;
        for (_, pidfd) in held.iter().filter(|(pid, _)| members.contains(pid)) {
            match sys::pidfd::send_signal(pidfd.as_fd(), signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn pids_in(directory: &OwnedFd) -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    tree::walk(directory, |one| {
        // 0 stands for a process outside our pid namespace, which has no number here.
        pids.extend(read_pids(one)?.into_iter().filter(|pid| *pid > 0));
        Ok(())
    })?;
    Ok(pids)
}

/// The processes directly in a cgroup. A threaded v2 cgroup has none of its own: its domain lists them.
pub(crate) fn read_pids(directory: &OwnedFd) -> io::Result<Vec<i32>> {
    match tree::read(directory, "cgroup.procs") {
        Ok(text) => text.lines().map(|line| line.parse().map_err(|_| Errno::IO)).collect(),
        Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
        Err(error) if tree::vanished(error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
