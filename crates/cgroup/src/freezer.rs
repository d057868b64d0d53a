//! Stopping and resuming all processes of a container at once: freezer.state of v1, cgroup.freeze of v2.

use crate::{Backoff, CgroupRef, PATIENCE, failure, tree};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
    fs::OFlags,
    io::{self, Errno},
};
use std::time::Instant;
use wire::Failure;

/// How many looks a v1 freezer gets before it is thawed and frozen again, which lets a process out that blocks the rest.
const LOOKS_BEFORE_RETRY: usize = 25;

/// Whether the container is frozen, by its own cgroup or by one above.
pub fn is_frozen(refs: &[CgroupRef]) -> Result<bool, Failure> {
    with_freezer(refs, "look at freezer of cgroup", false, frozen)
}

/// Stops all processes; returns when they stand still. Fails with ETIMEDOUT after 10 s, and then nothing is frozen.
pub fn freeze(refs: &[CgroupRef]) -> Result<(), Failure> {
    if !refs.iter().any(|reference| reference.freezer) {
        return Err(failure("freeze", "without a cgroup")(Errno::OPNOTSUPP));
    }
    with_freezer(refs, "freeze cgroup", (), |directory, version| {
        let result = if version == 1 { freeze_v1(directory) } else { freeze_v2(directory) };
        result.inspect_err(|_| {
            // The first error is the one to report.
            let _ = request(directory, version, false);
        })
    })
}

/// Lets all processes go on. Nothing happens when they are not frozen.
pub fn thaw(refs: &[CgroupRef]) -> Result<(), Failure> {
    with_freezer(refs, "thaw cgroup", (), |directory, version| match request(directory, version, false) {
        Err(error) if tree::vanished(error) => Ok(()),
        other => other,
    })
}

pub(crate) fn frozen(directory: &OwnedFd, version: u8) -> io::Result<bool> {
    let state = if version == 1 {
        tree::read(directory, "freezer.state").map(|state| state.trim() == "FROZEN")
    } else {
        tree::read(directory, "cgroup.events").map(|events| says_frozen(&events))
    };
    // The root of a v2 hierarchy has no such file, and can't be frozen.
    if state.is_err_and(tree::vanished) { Ok(false) } else { state }
}

/// Runs an action on the freezer's directory; `otherwise` where there is none any more.
fn with_freezer<T>(
    refs: &[CgroupRef],
    step: &str,
    otherwise: T,
    action: impl FnOnce(&OwnedFd, u8) -> io::Result<T>,
) -> Result<T, Failure> {
    let Some(reference) = refs.iter().find(|reference| reference.freezer) else { return Ok(otherwise) };
    match tree::open(reference).map_err(failure(step, &reference.path))? {
        None => Ok(otherwise),
        Some(directory) => action(&directory, reference.version).map_err(failure(step, &reference.path)),
    }
}

fn request(directory: &OwnedFd, version: u8, freeze: bool) -> io::Result<()> {
    match (version, freeze) {
        (1, true) => tree::write(directory, "freezer.state", "FROZEN"),
        (1, false) => tree::write(directory, "freezer.state", "THAWED"),
        (_, true) => tree::write(directory, "cgroup.freeze", "1"),
        (_, false) => tree::write(directory, "cgroup.freeze", "0"),
    }
}

fn freeze_v1(directory: &OwnedFd) -> io::Result<()> {
    let mut backoff = Backoff::new(PATIENCE);
    for look in 1.. {
        // Each write makes the kernel try again those that were not ready: a fork in progress, for one.
        request(directory, 1, true)?;
        if frozen(directory, 1)? {
            return Ok(());
        }
        if look % LOOKS_BEFORE_RETRY == 0 {
            request(directory, 1, false)?;
        }
        if !backoff.wait() {
            break;
        }
    }
    Err(Errno::TIMEDOUT)
}

fn freeze_v2(directory: &OwnedFd) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let events = tree::open_file(directory, "cgroup.events", OFlags::RDONLY)?;
    request(directory, 2, true)?;
    loop {
        let mut buffer = [0; 256];
        let length = io::pread(&events, &mut buffer, 0)?;
        if says_frozen(&String::from_utf8_lossy(buffer.get(..length).unwrap_or_default())) {
            return Ok(());
        }
        // The kernel wakes pollers with POLLPRI when the file's content changes.
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut [PollFd::from_borrowed_fd(events.as_fd(), PollFlags::PRI)], Some(&timeout)) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// cgroup.events is flat keyed: `frozen 1`.
fn says_frozen(events: &str) -> bool {
    events.lines().any(|line| line == "frozen 1")
}
