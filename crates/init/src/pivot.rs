//! Making the root the root of everything that this process sees.

use crate::{failing::Failing, root::Root};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::{self, Errno},
    mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount},
    process::{chdir, chroot, fchdir, pivot_root},
};
use wire::Failure;

/// Swaps the roots and lets go of the host's mounts: pivot_root(2), "pivot_root(".", ".")" in its notes.
pub fn pivot(root: &Root) -> Result<(), Failure> {
    let swap = || -> io::Result<()> {
        let old = openat(CWD, c"/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        fchdir(root.as_fd())?;
        // The old root is now mounted over the new one at the same place, so no directory is needed to put it in.
        pivot_root(c".", c".")?;
        fchdir(&old)?;
        // Slave first: else the unmounting would reach the host's own mounts.
        mount_change(c".", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
        unmount(c".", UnmountFlags::DETACH)?;
        // That was the topmost mount there. With a mount over the root, the covered root was: the host's is still below it.
        loop {
            match unmount(c".", UnmountFlags::DETACH) {
                Ok(()) => {}
                // It is no mount of ours any more.
                Err(Errno::INVAL) => break,
                Err(errno) => return Err(errno),
            }
        }
        chdir(c"/")
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
