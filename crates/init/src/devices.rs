//! Device nodes and links in the container's /dev.

use crate::{
    failing::Failing,
    root::{Missing, Root},
    sources::Sources,
};
use alloc::{format, vec::Vec};
use rustix::{
    fd::AsFd,
    fs::{
        AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, makedev, mknodat, openat, readlinkat, symlinkat,
        unlinkat,
    },
    io::Errno,
};
use sys::mount::attach;
use wire::{Failure, plan::Device};

/// Makes a node; one that is there already must be the same device.
pub fn make(root: &Root, device: &Device) -> Result<(), Failure> {
    let Device { path, kind, major, minor, mode, uid, gid } = device;
    let (file_type, number) = match kind.as_str() {
        "b" => (FileType::BlockDevice, makedev(*major, *minor)),
        "c" | "u" => (FileType::CharacterDevice, makedev(*major, *minor)),
        "p" => (FileType::Fifo, 0),
        _ => return Err(Errno::INVAL).failing(&format!("make a device of type {kind} at"), path),
    };
    const STEP: &str = "make device";
    let (directory, name) = root.find_parent(path).failing(STEP, path)?;
    match mknodat(&directory, name, file_type, Mode::from_raw_mode(*mode), number) {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let found = openat(&directory, name, flags, Mode::empty()).failing(STEP, path)?;
            let found = fstat(&found).failing(STEP, path)?;
            let same = FileType::from_raw_mode(found.st_mode) == file_type
                && (file_type == FileType::Fifo || found.st_rdev == number);
            // An image's own file in the place of a device would get what is meant for the device.
            return if same { Ok(()) } else { Err(Errno::EXIST).failing(STEP, path) };
        }
        Err(errno) => return Err(errno).failing(STEP, path),
    }
    if (*uid, *gid) != (0, 0) {
        let (uid, gid) = (Uid::from_raw(*uid), Gid::from_raw(*gid));
        chownat(&directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            .failing("change the owner of", path)?;
    }
    Ok(())
}

/// Binds the host's node over a file at the same path.
pub fn bind_host(root: &Root, sources: &mut Sources, index: usize, path: &str) -> Result<(), Failure> {
    const STEP: &str = "bind device";
    let source = sources.claim(index, STEP)?;
    let (place, _) = root.find_or_make(path, Missing::File).failing(STEP, path)?;
    attach(&source.mount, place).failing(STEP, path)
}

/// Makes a link. What is there already stays, unless it is to be replaced.
pub fn link(root: &Root, target: &str, path: &str, replace: bool) -> Result<(), Failure> {
    const STEP: &str = "make link";
    let (directory, name) = root.find_parent(path).failing(STEP, path)?;
    if replace {
        match unlinkat(directory.as_fd(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno).failing("replace", path),
        }
    }
    match symlinkat(target, &directory, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno).failing(STEP, path),
    }
}

/// Makes a link, unless the same one is there already.
pub fn same_link(root: &Root, target: &str, path: &str) -> Result<(), Failure> {
    const STEP: &str = "copy link to";
    let (directory, name) = root.find_parent(path).failing(STEP, path)?;
    match symlinkat(target, &directory, name) {
        Err(Errno::EXIST) => match readlinkat(&directory, name, Vec::new()) {
            Ok(found) if found.as_bytes() == target.as_bytes() => Ok(()),
            _ => Err(Errno::EXIST).failing(STEP, path),
        },
        result => result.failing(STEP, path),
    }
}
