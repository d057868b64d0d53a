//! Mounts inside the root. Each is built detached, with all its attributes, and then attached by descriptor: the container never
//! sees it half made, and no path is used twice.

use crate::{
    copy_up::copy_up,
    devices,
    failing::Failing,
    filesystem,
    procfs::PrivateProc,
    root::{Missing, Root},
    sources::{Source, Sources, Taken, propagation_bit},
};
use alloc::format;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, fstat, fstatfs},
    io::{self, Errno, fcntl_dupfd_cloexec},
};
use sys::mount::{Change, attach, attribute, change, map_ids};
use wire::{
    Failure,
    plan::{Mount, MountAttribute, Mounted, Parameter, Special, Step},
};

/// statfs(2).
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// Mounts one entry of a plan. `index` is the step's number, by which its source is found. Returns the mount, if there is one.
pub fn mount(root: &mut Root, sources: &mut Sources, index: usize, mount: &Mount) -> Result<Option<OwnedFd>, Failure> {
    let target = &mount.target;
    let mounted = match &mount.what {
        Mounted::Bind { source, .. } => match sources.take(index) {
            Some(Taken::Source(found)) => bind(root, mount, source, found)?,
            Some(Taken::Link(text)) => {
                return devices::same_link(root, &text, target).map(|()| None);
            }
            _ => return Err(Errno::BADF).failing(&format!("bind {source} on"), target),
        },
        Mounted::Filesystem { kind, parameters } => {
            let user_namespace = match sources.take(index) {
                Some(Taken::UserNamespace(namespace)) => Some(namespace),
                _ => None,
            };
            create(root, mount, kind, parameters, user_namespace)?
        }
        Mounted::Existing { parameters } => {
            let place = root.find(target).failing("remount", target)?;
            if !parameters.is_empty() {
                filesystem::reconfigure(&place, parameters, target)?;
            }
            set_attributes(&place, mount).failing("remount", target)?;
            place
        }
    };
    for one in &mount.propagation {
        change(mounted.as_fd(), one.recursive, Change::propagation(propagation_bit(one.to)))
            .failing("change the propagation of", target)?;
    }
    if target == "/" && !matches!(mount.what, Mounted::Existing { .. }) {
        *root = Root::new(fcntl_dupfd_cloexec(&mounted, 0).failing("mount over the root at", target)?);
    }
    Ok(Some(mounted))
}

/// Takes away what is mounted at a path, with all below it. Fails with EINVAL where that is nothing.
pub fn unmount(root: &Root, proc: &mut PrivateProc, path: &str) -> Result<(), Failure> {
    const STEP: &str = "unmount";
    let place = root.find(path).failing(STEP, path)?;
    if root.is_at(&place).failing(STEP, path)? {
        return Err(Errno::BUSY).failing(STEP, path);
    }
    proc.unmount(&place).failing(STEP, path)
}

/// Whether a step changes the mounts of a container, and so may have to take a mount away.
pub fn changes_one(step: &Step) -> bool {
    matches!(step, Step::Mount(_) | Step::Unmount { .. })
}

fn bind(root: &Root, mount: &Mount, source: &str, found: Source) -> Result<OwnedFd, Failure> {
    let target = &mount.target;
    let step = format!("bind {source} on");
    let Source { mount: mounted, is_directory: source_is_directory, .. } = found;
    let missing = if source_is_directory { Missing::Directory } else { Missing::File };
    let place = if mount.special.contains(&Special::OverLink) {
        root.find_or_make_unfollowed(target, missing)
    } else {
        root.find_or_make(target, missing).map(|(place, _)| place)
    };
    let place = place.failing(&step, target)?;
    check_place(root, &place, target)?;
    if is_directory(&place).failing(&step, target)? != source_is_directory {
        // As mount(2) has it; move_mount(2) says EINVAL to both, and callers match on the words.
        return Err(if source_is_directory { Errno::NOTDIR } else { Errno::ISDIR }).failing(&step, target);
    }
    set_attributes(&mounted, mount).failing(&step, target)?;
    attach(&mounted, place).failing(&step, target)?;
    Ok(mounted)
}

fn create(
    root: &Root,
    mount: &Mount,
    kind: &str,
    parameters: &[Parameter],
    user_namespace: Option<OwnedFd>,
) -> Result<OwnedFd, Failure> {
    let target = &mount.target;
    let step = format!("mount {kind} on");
    let (place, existed) = place_for_filesystem(root, mount, kind)?;
    check_place(root, &place, target)?;
    let mounted = filesystem::create(kind, parameters, target, existed.then_some(&place))?;
    if let (Some(map), Some(namespace)) = (&mount.id_map, user_namespace) {
        map_ids(mounted.as_fd(), map.recursive, namespace.as_fd())
            .failing(&format!("map the ids of {kind} on"), target)?;
    }
    set_attributes(&mounted, mount).failing(&step, target)?;
    if mount.special.contains(&Special::CopyUp) {
        copy_up(place.as_fd(), mounted.as_fd()).failing("copy into the tmpfs on", target)?;
    }
    attach(&mounted, place).failing(&step, target)?;
    if mount.special.contains(&Special::CountChanges) {
        filesystem::count_changes(&mounted, parameters).failing("set option iversion of", target)?;
        // mount(2) has set all others too.
        set_attributes(&mounted, mount).failing(&step, target)?;
    }
    Ok(mounted)
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
    if target != "/" && root.is_at(place).failing("look at", target)? {
        return Err(Errno::BUSY).failing("mount over the root at", target);
    }
    Ok(())
}

fn place_for_filesystem(root: &Root, mount: &Mount, kind: &str) -> Result<(OwnedFd, bool), Failure> {
    let target = &mount.target;
    let step = format!("mount {kind} on");
    if mount.special.contains(&Special::OverLink) {
        return root
            .find_or_make_unfollowed(target, Missing::Directory)
            .map(|place| (place, true))
            .failing(&step, target);
    }
    let found = root.find_or_make(target, Missing::Directory).failing(&step, target)?;
    if !mount.special.contains(&Special::RealDirectory) {
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

fn set_attributes(mounted: &OwnedFd, mount: &Mount) -> io::Result<()> {
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
