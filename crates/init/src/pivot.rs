//! Making the root the root of everything that this process sees.

use crate::{failing::Failing, root::Root};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::{self, Errno},
    mount::{MountPropagationFlags, mount_change},
    process::{chdir, chroot, fchdir, pivot_root},
    thread::sched_yield,
};
use sys::thread::{Unmounting, unmount_aside};
use wire::Failure;

/// Swaps the roots and lets go of the host's mounts: pivot_root(2), "pivot_root(".", ".")" in its notes.
///
/// The letting go is under way when this returns. From the root's descriptor nothing of the host can be reached any more: not
/// before the host's root is off ours, since until then `..` at our root leads to it, whatever a look-up is told to stay in.
pub fn pivot(root: &Root) -> Result<Unmounting, Failure> {
    let swap = || -> io::Result<Unmounting> {
        let old = openat(CWD, c"/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        fchdir(root.as_fd())?;
        // The old root is now mounted over the new one at the same place, so no directory is needed to put it in.
        pivot_root(c".", c".")?;
        fchdir(&old)?;
        // Slave first: else the unmounting would reach the host's own mounts.
        mount_change(c".", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
        let unmounting = unmount_aside(c".")?;
        chdir(c"/")?;
        while root.is_covered()? {
            if unmounting.is_over() && root.is_covered()? {
                return Err(unmounting.wait().err().unwrap_or(Errno::BUSY));
            }
            sched_yield();
        }
        Ok(unmounting)
    };
    swap().failing("pivot root", "")
}

/// For a root that pivot_root(2) refuses because the host's root is a ramdisk. The root is mounted over `/` already.
pub fn enter(root: &Root) -> Result<(), Failure> {
    let enter = || -> io::Result<()> {
        fchdir(root.as_fd())?;
        chroot(c".")?;
        chdir(c"/")
    };
    enter().failing("change root", "")
}
