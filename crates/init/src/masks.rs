//! Parts of the root that are hidden or read-only. A path that does not exist needs neither; one that exists and can't be covered
//! is an error.

use crate::{failing::Failing, root::Root};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, fstat},
    io::{self, Errno},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen},
};
use sys::mount::{Change, attach, attribute, change, clone};
use wire::Failure;

/// What paths are hidden under: one mount for all directories and one for all files, copied for each but the first.
pub struct Covers {
    empty_directory: Option<OwnedFd>,
    null_device: Option<OwnedFd>,
    null_is_attached: bool,
}

impl Covers {
    pub fn new(null_device: Option<OwnedFd>) -> Self {
        Self { empty_directory: None, null_device, null_is_attached: false }
    }

    /// Covers a directory with an empty one.
    fn cover_directory(&mut self, place: &OwnedFd, label: Option<&str>) -> io::Result<()> {
        if let Some(first) = &self.empty_directory {
            return attach(clone(first.as_fd(), false)?, place);
        }
        let mounted = new_empty_directory(label)?;
        attach(&mounted, place)?;
        self.empty_directory = Some(mounted);
        Ok(())
    }

    /// Covers anything else with the null device.
    fn cover_file(&mut self, place: &OwnedFd) -> io::Result<()> {
        let null = self.null_device.as_ref().ok_or(Errno::NODEV)?;
        if self.null_is_attached {
            return attach(clone(null.as_fd(), false)?, place);
        }
        // Read-only, or the container's root could change the mode of the host's own node.
        change(null.as_fd(), false, Change::set(attribute::RDONLY | attribute::NOSUID | attribute::NOEXEC))?;
        attach(null, place)?;
        self.null_is_attached = true;
        Ok(())
    }
}

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

/// Hides `path`: a directory under an empty one, which has the SELinux label if it is the first, anything else under the null device.
pub fn mask(root: &Root, covers: &mut Covers, path: &str, label: Option<&str>) -> Result<(), Failure> {
    const STEP: &str = "mask";
    let Some(place) = existing(root, path, STEP)? else { return Ok(()) };
    if root.is_at(&place).failing(STEP, path)? {
        return Err(Errno::BUSY).failing(STEP, path);
    }
    let is_directory = FileType::from_raw_mode(fstat(&place).failing(STEP, path)?.st_mode) == FileType::Directory;
    let covered = if is_directory { covers.cover_directory(&place, label) } else { covers.cover_file(&place) };
    covered.failing(STEP, path)
}

/// A read-only tmpfs with room for nothing.
fn new_empty_directory(label: Option<&str>) -> io::Result<OwnedFd> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&context, c"nr_blocks", c"1")?;
    fsconfig_set_string(&context, c"nr_inodes", c"1")?;
    if let Some(label) = label {
        fsconfig_set_string(&context, c"context", label)?;
    }
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn existing(root: &Root, path: &str, step: &str) -> Result<Option<OwnedFd>, Failure> {
    match root.find(path) {
        Ok(place) => Ok(Some(place)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno).failing(step, path),
    }
}
