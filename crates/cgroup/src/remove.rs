//! Removing the directories of a container.

use crate::{Backoff, CgroupRef, PATIENCE, failure, tree};
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, unlinkat},
    io::{self, Errno},
};
use std::{ffi::CString, time::Duration};
use wire::Failure;

/// How long a directory without a recorded inode is waited for. It has a process in it only while an init that was never let
/// go on notices that its engine died, or when it belongs to somebody else.
const PATIENCE_FOR_UNKNOWN: Duration = Duration::from_secs(1);

/// How many cgroups below one are removed before the time is looked at: a process may make new ones as fast.
const AT_A_TIME: usize = 1000;

/// Removes the cgroups, with all that were made below them, and waits until their processes have ended: at most 10 s, then
/// the failure is EBUSY. One that is missing or not the recorded one is fine; one that was only planned and is in use stays.
pub fn remove(refs: &[CgroupRef]) -> Result<(), Failure> {
    for reference in refs.iter().rev() {
        let planned = reference.inode.is_none();
        let mut backoff = Backoff::new(if planned { PATIENCE_FOR_UNKNOWN } else { PATIENCE });
        loop {
            match now(reference) {
                Ok(()) => break,
                Err(Errno::BUSY) if backoff.wait() => {}
                Err(Errno::BUSY) if planned => break,
                Err(error) => return Err(failure("remove cgroup", &reference.path)(error)),
            }
        }
    }
    Ok(())
}

/// Removes a cgroup and those below it, or fails with EBUSY when there is a process in one.
pub(crate) fn now(reference: &CgroupRef) -> io::Result<()> {
    let Some((parent, name)) = reference.path.rsplit_once('/') else { return Err(Errno::INVAL) };
    let parent = match tree::open_absolute(parent, reference.version) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NODEV) => return Ok(()),
        other => other?,
    };
    if let Some(recorded) = reference.inode {
        match tree::inode_at(&parent, name) {
            Ok(inode) if inode == recorded => {}
            Ok(_) | Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    for _ in 0..AT_A_TIME {
        match unlinkat(&parent, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) => {}
            Err(error) => return Err(error),
        }
        remove_one_below(&parent, name)?;
    }
    Err(Errno::BUSY)
}

/// Removes one cgroup at the bottom of the tree at `name`. Going down anew for each holds two descriptors, however deep it is.
fn remove_one_below(parent: &OwnedFd, name: &str) -> io::Result<()> {
    let gone = |result: io::Result<()>| if result == Err(Errno::NOENT) { Ok(()) } else { result };
    let mut above: Option<(OwnedFd, CString)> = None;
    let mut here = tree::open_below(parent, name);
    loop {
        let directory = match here {
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        let Some(child) = tree::children(&directory)?.into_iter().next() else { break };
        here = tree::open_below(&directory, child.as_c_str());
        above = Some((directory, child));
    }
    match above {
        // No cgroup below: what keeps it busy are processes.
        None => Err(Errno::BUSY),
        Some((directory, child)) => gone(unlinkat(directory, child, AtFlags::REMOVEDIR)),
    }
}
