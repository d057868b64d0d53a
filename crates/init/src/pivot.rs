//! Attaching the root among the mounts of the host, and making it the root of everything that this process sees.

use crate::{failing::Failing, root::Root};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags, openat, statx},
    io::{self, Errno},
    mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount},
    process::{chdir, chroot, fchdir, pivot_root},
};
use sys::mount::{Change, change, propagation::PRIVATE};
use wire::Failure;

/// Attaches the root at a place among the host's mounts.
pub fn attach(root: impl AsFd, place: &str) -> io::Result<()> {
    let place = openat(CWD, place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    // On a shared mount it would be attached on the host too; and pivot_root(2) refuses one.
    change(top_of_mount(place.try_clone()?)?.as_fd(), false, Change::propagation(PRIVATE))?;
    sys::mount::attach(root, place)
}

/// The top directory of the mount that a directory is on.
fn top_of_mount(mut directory: OwnedFd) -> io::Result<OwnedFd> {
    loop {
        let found = statx(&directory, c"", AtFlags::EMPTY_PATH, StatxFlags::empty())?;
        if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
            return Ok(directory);
        }
        directory = openat(&directory, c"..", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    }
}

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

/// For a root that pivot_root(2) refuses because the host's root is a ramdisk. If it is `in_place`, it is not mounted over `/` yet.
pub fn enter(root: &Root, in_place: bool) -> Result<(), Failure> {
    let enter = || -> io::Result<()> {
        if in_place {
            attach(root.as_fd(), "/")?;
        }
        fchdir(root.as_fd())?;
        chroot(c".")?;
        chdir(c"/")
    };
    enter().failing("change root", "")
}
