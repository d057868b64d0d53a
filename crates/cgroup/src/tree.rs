//! Directories and files of cgroup file systems, reached without following a link.

use crate::CgroupRef;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags},
    io::{self, Errno},
};
use std::ffi::{CStr, CString};

/// CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC of statfs(2).
const MAGIC: [u64; 2] = [0x0027_e0eb, 0x6367_7270];

const RESOLVE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Opens a directory by its absolute path. It must be a cgroup of `version`, else the error is ENODEV.
pub fn open_absolute(path: &str, version: u8) -> io::Result<OwnedFd> {
    let below = path.strip_prefix('/').ok_or(Errno::INVAL)?.trim_start_matches('/');
    let root = fs::openat(CWD, c"/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let directory = open_below(&root, below)?;
    let magic = fs::fstatfs(&directory)?.f_type as u64;
    let expected = MAGIC.get(usize::from(version).wrapping_sub(1)).ok_or(Errno::INVAL)?;
    if magic == *expected { Ok(directory) } else { Err(Errno::NODEV) }
}

/// Opens a directory below another one. Not with O_PATH: bpf(2) and reading its entries need more.
pub fn open_below(directory: impl AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    fs::openat2(directory, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), RESOLVE)
}

/// The directory that `reference` names, if it is there and still the same.
pub fn open(reference: &CgroupRef) -> io::Result<Option<OwnedFd>> {
    let directory = match open_absolute(&reference.path, reference.version) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NODEV) => return Ok(None),
        other => other?,
    };
    let same = match reference.inode {
        Some(inode) => inode == inode_of(&directory)?,
        None => true,
    };
    Ok(same.then_some(directory))
}

/// The number of a directory. Not used again while the machine runs.
pub fn inode_of(directory: impl AsFd) -> io::Result<u64> {
    Ok(fs::fstat(directory)?.st_ino)
}

/// The inode of the entry `name` of a directory.
pub fn inode_at(directory: impl AsFd, name: &str) -> io::Result<u64> {
    Ok(fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino)
}

/// Opens one of a cgroup's files.
pub fn open_file(directory: impl AsFd, name: &str, access: OFlags) -> io::Result<OwnedFd> {
    if name.contains('/') {
        return Err(Errno::INVAL);
    }
    fs::openat2(directory, name, access | OFlags::CLOEXEC, Mode::empty(), RESOLVE)
}

/// All of a file.
pub fn read(directory: impl AsFd, name: &str) -> io::Result<String> {
    let file = open_file(directory, name, OFlags::RDONLY)?;
    let mut bytes = Vec::with_capacity(512);
    while io::retry_on_intr(|| io::read(&file, rustix::buffer::spare_capacity(&mut bytes)))? > 0 {
        bytes.reserve(512);
    }
    String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)
}

/// Writes a value in one write(2): the kernel takes each as a whole.
pub fn write(directory: impl AsFd, name: &str, value: &str) -> io::Result<()> {
    let file = open_file(directory, name, OFlags::WRONLY)?;
    match io::retry_on_intr(|| io::write(&file, value.as_bytes()))? {
        length if length == value.len() => Ok(()),
        _ => Err(Errno::IO),
    }
}

/// The names of the cgroups directly below.
pub fn children(directory: impl AsFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = match entry {
            Err(error) if vanished(error) => break,
            other => other?,
        };
        if entry.file_type() == FileType::Directory && !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

/// Calls `visit` for a cgroup and all below it. Holds one descriptor at a time, however deep a container nests its cgroups.
pub fn walk(top: impl AsFd, mut visit: impl FnMut(&OwnedFd) -> io::Result<()>) -> io::Result<()> {
    let mut pending = vec![CString::from(c".")];
    while let Some(path) = pending.pop() {
        let directory = match open_below(&top, path.as_c_str()) {
            Err(error) if vanished(error) => continue,
            other => other?,
        };
        visit(&directory)?;
        for child in children(&directory)? {
            pending.push(join(&path, &child)?);
        }
    }
    Ok(())
}

/// Whether the error says that a cgroup was removed while we looked at it.
pub fn vanished(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NODEV)
}

fn join(path: &CStr, name: &CStr) -> io::Result<CString> {
    CString::new([path.to_bytes(), b"/", name.to_bytes()].concat()).map_err(|_| Errno::INVAL)
}
