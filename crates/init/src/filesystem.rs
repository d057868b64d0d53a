//! New instances of file systems, and changes of one: fsopen(2), fspick(2).

use crate::failing::Failing;
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use rustix::{
    fd::{AsRawFd, OwnedFd},
    fs::{Mode, OFlags, fstat, mkdirat, openat},
    io::{self, Errno},
    mount::{
        FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_reconfigure,
        fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, fspick, mount_remount,
    },
    process::fchdir,
};
use wire::{Failure, plan::Parameter};

/// What fsconfig(2) takes of a value, in bytes.
const LONGEST_VALUE: usize = 255;

/// A new instance, not attached anywhere. `over`: the directory that it will cover, unless that was made for it.
pub fn create(kind: &str, parameters: &[Parameter], target: &str, over: Option<&OwnedFd>) -> Result<OwnedFd, Failure> {
    let step = format!("mount {kind} on");
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).failing(&step, target)?;
    for parameter in parameters {
        configure(&context, kind, parameter, target)?;
    }
    // A tmpfs over a directory keeps that directory's mode, as runc and Docker's volumes expect.
    if let Some(place) = over
        && kind == "tmpfs"
        && !parameters.iter().any(|parameter| parameter.name == "mode")
    {
        let mode = fstat(place).failing(&step, target)?.st_mode & 0o7777;
        let mode: String = format!("{mode:o}");
        fsconfig_set_string(&context, "mode", mode.as_str()).failing(&step, target)?;
    }
    fsconfig_create(&context).failing(&step, target)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).failing(&step, target)
}

/// An overlay of a root, which is attached, and what is changed in it: in directories of `changes`, which is attached too.
pub fn create_overlay(root: &OwnedFd, changes: &OwnedFd, parameters: &[Parameter]) -> Result<OwnedFd, Failure> {
    let mut layers = Vec::from(parameters);
    // Open until the kernel has looked them up.
    let mut directories = Vec::new();
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    layers.push(Parameter { name: "lowerdir".to_owned(), value: Some(path_of(root)) });
    for (name, directory) in [("upperdir", "upper"), ("workdir", "work")] {
        match mkdirat(changes, directory, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno).failing("make in the directory of changes", directory),
        }
        let found =
            openat(changes, directory, flags, Mode::empty()).failing("open in the directory of changes", directory)?;
        let value = path_of(&found);
        layers.push(Parameter { name: name.to_owned(), value: Some(value) });
        directories.push(found);
    }
    create("overlay", &layers, "the root", None)
}

/// For who takes no descriptors.
fn path_of(directory: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", directory.as_raw_fd())
}

/// Changes parameters of the file system that is mounted at `place`.
pub fn reconfigure(place: &OwnedFd, parameters: &[Parameter], target: &str) -> Result<(), Failure> {
    let flags = FsPickFlags::FSPICK_CLOEXEC | FsPickFlags::FSPICK_EMPTY_PATH;
    let context = fspick(place, c"", flags).failing("remount", target)?;
    for parameter in parameters {
        configure(&context, "the file system", parameter, target)?;
    }
    fsconfig_reconfigure(&context).failing("remount", target)
}

fn configure(context: &OwnedFd, kind: &str, parameter: &Parameter, target: &str) -> Result<(), Failure> {
    let Parameter { name, value } = parameter;
    let (set, text) = match value {
        Some(value) if kind == "overlay" && name == "lowerdir" && value.len() > LONGEST_VALUE => {
            (set_layers(context, value), format!("{name}={value}"))
        }
        Some(value) => (fsconfig_set_string(context, name.as_str(), value.as_str()), format!("{name}={value}")),
        None => (fsconfig_set_flag(context, name.as_str()), name.clone()),
    };
    set.failing(&format!("set option {text} of {kind} on"), target)
}

/// The layers of an overlay one by one, for a list that is too long for one value: Linux 6.8.
fn set_layers(context: &OwnedFd, list: &str) -> io::Result<()> {
    layers(list).iter().try_for_each(|layer| fsconfig_set_string(context, "lowerdir+", layer.as_str()))
}

/// The paths in a list with `:` between them, which `\` makes part of a path.
fn layers(list: &str) -> Vec<String> {
    let mut found = Vec::from(["".to_owned()]);
    let mut characters = list.chars();
    while let Some(character) = characters.next() {
        match (character, found.last_mut()) {
            (':', _) => found.push("".to_owned()),
            ('\\', Some(layer)) => layer.extend(characters.next()),
            (other, Some(layer)) => layer.push(other),
            (_, None) => {}
        }
    }
    found
}

/// Has the file system count the changes of each inode. Only mount(2) can ask for that, and it sets the mount's attributes and
/// these parameters as well.
pub fn count_changes(mounted: &OwnedFd, parameters: &[Parameter]) -> io::Result<()> {
    const I_VERSION: u32 = 1 << 23;
    let mut flags = MountFlags::from_bits_retain(I_VERSION);
    for Parameter { name, .. } in parameters {
        flags |= match name.as_str() {
            "sync" => MountFlags::SYNCHRONOUS,
            "dirsync" => MountFlags::DIRSYNC,
            "lazytime" => MountFlags::LAZYTIME,
            "mand" => MountFlags::PERMIT_MANDATORY_FILE_LOCKING,
            _ => MountFlags::empty(),
        };
    }
    // A path that nobody can turn elsewhere.
    fchdir(mounted)?;
    mount_remount(c".", flags, c"")
}
