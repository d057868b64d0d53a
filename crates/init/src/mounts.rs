//! Mounts inside the root. Each is built detached, with all its attributes, and then attached by descriptor: the container never
//! sees it half made, and no path is used twice.

use crate::{
    copy_up::copy_up,
    failing::Failing,
    root::{Missing, Root},
    sources::{Source, Sources, propagation_bit},
};
use alloc::{format, string::String};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, fstat, fstatfs},
    io::Errno,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount,
        fsopen,
    },
};
use sys::mount::{Change, attach, attribute, change};
use wire::{
    Failure,
    plan::{Mount, MountAttribute, Mounted, Parameter},
};

/// statfs(2).
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// Mounts one entry of a plan. `index` is the step's number, by which its source is found.
pub fn mount(root: &Root, sources: &mut Sources, index: usize, mount: &Mount) -> Result<(), Failure> {
    let target = &mount.target;
    let (mounted, step) = match &mount.what {
        Mounted::Bind { source, .. } => {
            let step = format!("bind {source} on");
            let Source { mount: mounted, is_directory: source_is_directory, .. } = sources.claim(index, &step)?;
            let missing = if source_is_directory { Missing::Directory } else { Missing::File };
            let (place, _) = root.find_or_make(target, missing).failing(&step, target)?;
            check_place(root, &place, target)?;
            if is_directory(&place).failing(&step, target)? != source_is_directory {
                // As mount(2) has it; move_mount(2) says EINVAL to both, and callers match on the words.
                return Err(if source_is_directory { Errno::NOTDIR } else { Errno::ISDIR }).failing(&step, target);
            }
            set_attributes(&mounted, mount).failing(&step, target)?;
            attach(&mounted, place).failing(&step, target)?;
            (mounted, step)
        }
        Mounted::Filesystem { kind, parameters } => {
            let step = format!("mount {kind} on");
            let (place, existed) = place_for_filesystem(root, mount, kind)?;
            check_place(root, &place, target)?;
            let mounted = new_filesystem(kind, parameters, target, &place, existed)?;
            set_attributes(&mounted, mount).failing(&step, target)?;
            if mount.copy_up {
                copy_up(place.as_fd(), mounted.as_fd()).failing("copy into the tmpfs on", target)?;
            }
            attach(&mounted, place).failing(&step, target)?;
            (mounted, step)
        }
    };
    for one in &mount.propagation {
        change(mounted.as_fd(), one.recursive, Change::propagation(propagation_bit(one.to))).failing(&step, target)?;
    }
    Ok(())
}

fn is_directory(place: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(place)?.st_mode) == FileType::Directory)
}

/// Refuses places where a mount would have another effect than the plan says.
fn check_place(root: &Root, place: &OwnedFd, target: &str) -> Result<(), Failure> {
    // The plan has checked targets that say that they are in /proc. One that gets there by a link of the image would put a
    // mount where labels and sysctls are written (CVE-2025-52881).
    let in_proc = fstatfs(place).failing("look at", target)?.f_type as u64 == PROC_SUPER_MAGIC;
    if in_proc && target != "/proc" && !target.starts_with("/proc/") {
        return Err(Errno::PERM).failing("mount, through a link, inside /proc at", target);
    }
    if root.is_at(place).failing("look at", target)? {
        return Err(Errno::BUSY).failing("mount over the root at", target);
    }
    Ok(())
}

fn place_for_filesystem(root: &Root, mount: &Mount, kind: &str) -> Result<(OwnedFd, bool), Failure> {
    let target = &mount.target;
    let found = root.find_or_make(target, Missing::Directory).failing(&format!("mount {kind} on"), target)?;
    if !mount.real_directory {
        return Ok(found);
    }
    // A link there would let an image choose what labels and sysctls are written to (CVE-2019-19921, CVE-2023-28642).
    match root.find_real_directory(target) {
        Ok(place) => Ok((place, found.1)),
        Err(errno) => {
            Err(errno).failing(&format!("mount {kind}, which must be mounted on ordinary directory, on"), target)
        }
    }
}

/// A new instance of a file system, not attached anywhere.
fn new_filesystem(
    kind: &str,
    parameters: &[Parameter],
    target: &str,
    place: &OwnedFd,
    existed: bool,
) -> Result<OwnedFd, Failure> {
    let step = format!("mount {kind} on");
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).failing(&step, target)?;
    for Parameter { name, value } in parameters {
        let (set, text) = match value {
            Some(value) => (fsconfig_set_string(&context, name.as_str(), value.as_str()), format!("{name}={value}")),
            None => (fsconfig_set_flag(&context, name.as_str()), name.clone()),
        };
        set.failing(&format!("set option {text} of {kind} on"), target)?;
    }
    // A tmpfs over a directory keeps that directory's mode, as runc and Docker's volumes expect.
    if kind == "tmpfs" && existed && !parameters.iter().any(|parameter| parameter.name == "mode") {
        let mode = fstat(place).failing(&step, target)?.st_mode & 0o7777;
        let mode: String = format!("{mode:o}");
        fsconfig_set_string(&context, "mode", mode.as_str()).failing(&step, target)?;
    }
    fsconfig_create(&context).failing(&step, target)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).failing(&step, target)
}

fn set_attributes(mounted: &OwnedFd, mount: &Mount) -> Result<(), Errno> {
    let own = attributes(&mount.set, &mount.clear);
    if own != Change::default() {
        change(mounted.as_fd(), false, own)?;
    }
    let all = attributes(&mount.set_recursively, &mount.clear_recursively);
    if all != Change::default() {
        change(mounted.as_fd(), true, all)?;
    }
    Ok(())
}

fn attributes(set: &[MountAttribute], clear: &[MountAttribute]) -> Change {
    let mut change = Change::default();
    for one in clear {
        change.clear |= match one {
            MountAttribute::Noatime | MountAttribute::Strictatime | MountAttribute::Relatime => attribute::ATIME_MASK,
            other => bit(*other),
        };
    }
    for one in set {
        if matches!(one, MountAttribute::Noatime | MountAttribute::Strictatime | MountAttribute::Relatime) {
            // The three access-time modes share bits: the old one has to go.
            change.clear |= attribute::ATIME_MASK;
            change.set &= !attribute::ATIME_MASK;
        }
        change.set |= bit(*one);
    }
    change
}

fn bit(attribute: MountAttribute) -> u64 {
    match attribute {
        MountAttribute::Ro => attribute::RDONLY,
        MountAttribute::Nosuid => attribute::NOSUID,
        MountAttribute::Nodev => attribute::NODEV,
        MountAttribute::Noexec => attribute::NOEXEC,
        MountAttribute::Noatime => attribute::NOATIME,
        MountAttribute::Strictatime => attribute::STRICTATIME,
        MountAttribute::Relatime => 0,
        MountAttribute::Nodiratime => attribute::NODIRATIME,
        MountAttribute::Nosymfollow => attribute::NOSYMFOLLOW,
    }
}
