//! Parts of the root that are hidden or read-only. A path that does not exist needs neither; one that exists and can't be covered
//! is an error.

use crate::{
    failing::Failing,
    root::Root,
    sources::{Source, Sources},
};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, fstat},
    io::{self, Errno},
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    },
};
use sys::mount::{Change, attach, attribute, change, clone};
use wire::Failure;

/// The one empty directory that covers all masked directories: its mount on the first of them.
#[derive(Default)]
pub struct EmptyDirectory(Option<OwnedFd>);

/// Makes `path` and all that is mounted below it read-only.
pub fn make_read_only(root: &Root, path: &str) -> Result<(), Failure> {
    const STEP: &str = "make read-only";
    let Some(place) = existing(root, path, STEP)? else { return Ok(()) };
    if root.is_at(&place).failing(STEP, path)? {
        return change(root.as_fd(), true, Change::set(attribute::RDONLY)).failing(STEP, path);
    }
    let cover = || -> io::Result<()> {
        // One descriptor from look-up to attachment: nothing can be swapped in between.
        let copy = clone(place.as_fd(), true)?;
        change(copy.as_fd(), true, Change::set(attribute::RDONLY))?;
        attach(&copy, &place)
    };
    cover().failing(STEP, path)
}

/// Hides `path`: a directory under an empty one, anything else under the null device.
pub fn mask(root: &Root, sources: &mut Sources, index: usize, empty: &mut EmptyDirectory, path: &str) -> Result<(), Failure> {
    const STEP: &str = "mask";
    let Some(place) = existing(root, path, STEP)? else { return Ok(()) };
    if root.is_at(&place).failing(STEP, path)? {
        return Err(Errno::BUSY).failing(STEP, path);
    }
    if FileType::from_raw_mode(fstat(&place).failing(STEP, path)?.st_mode) == FileType::Directory {
        return cover_with_empty(&place, empty).failing(STEP, path);
    }
    let Source { mount: null, .. } = sources.claim(index, STEP)?;
    let cover = || -> io::Result<()> {
        // Read-only, or the container's root could change the mode of the host's own node.
        change(null.as_fd(), false, Change::set(attribute::RDONLY | attribute::NOSUID | attribute::NOEXEC))?;
        attach(&null, &place)
    };
    cover().failing(STEP, path)
}

fn cover_with_empty(place: &OwnedFd, empty: &mut EmptyDirectory) -> io::Result<()> {
    let mounted = match &empty.0 {
        Some(first) => clone(first.as_fd(), false)?,
        None => {
            let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
            fsconfig_set_string(&context, c"nr_blocks", c"1")?;
            fsconfig_set_string(&context, c"nr_inodes", c"1")?;
            fsconfig_create(&context)?;
            let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
                | MountAttrFlags::MOUNT_ATTR_NOSUID
                | MountAttrFlags::MOUNT_ATTR_NODEV
                | MountAttrFlags::MOUNT_ATTR_NOEXEC;
            fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?
        }
    };
    attach(&mounted, place)?;
    empty.0.get_or_insert(mounted);
    Ok(())
}

fn existing(root: &Root, path: &str, step: &str) -> Result<Option<OwnedFd>, Failure> {
    match root.find(path) {
        Ok(place) => Ok(Some(place)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno).failing(step, path),
    }
}
