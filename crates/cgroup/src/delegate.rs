//! Handing a v2 cgroup over to the root of a container: cgroup-v2.rst, "Delegation".

use crate::{failure, tree};
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, OFlags, Uid, chownat},
    io::Errno,
};
use wire::Failure;

/// What a kernel before Linux 4.15 did not list: cgroups(7).
const ALWAYS: &str = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

/// Gives a directory, and the files in it that the kernel says may be given away, to `owner`.
pub(crate) fn give(directory: &OwnedFd, path: &str, owner: u32) -> Result<(), Failure> {
    let step = || failure("give to the container cgroup", path);
    let to = Some(Uid::from_raw(owner));
    chownat(directory, "", to, None, AtFlags::EMPTY_PATH).map_err(step())?;
    for file in delegable().lines() {
        match chownat(directory, file, to, None, AtFlags::SYMLINK_NOFOLLOW) {
            // Of a controller that is not here.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(step()(error)),
        }
    }
    Ok(())
}

fn delegable() -> String {
    let directory = rustix::fs::open("/sys/kernel/cgroup", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    directory.and_then(|directory| tree::read(directory, "delegate")).unwrap_or_else(|_| ALWAYS.to_owned())
}
