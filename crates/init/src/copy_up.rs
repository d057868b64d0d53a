//! `tmpcopyup`: a new tmpfs starts with what the directory below it holds.

use alloc::vec::Vec;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{
        AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fstat, mkdirat, mknodat, openat, readlinkat,
        sendfile, symlinkat,
    },
    io::{self, Errno},
};

/// How deep a tree may be; deeper is an error, not a stack overflow.
const MAX_DEPTH: usize = 64;

/// Copies directories, files, links and nodes with owner and mode. Both ends are reached by descriptor, and links are not followed.
pub fn copy_up(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> io::Result<()> {
    copy_directory(from, to, MAX_DEPTH)
}

fn copy_directory(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
    let depth = depth.checked_sub(1).ok_or(Errno::LOOP)?;
    let readable = openat(from, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    for entry in Dir::read_from(&readable)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let source = openat(from, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let found = fstat(&source)?;
        let mode = Mode::from_raw_mode(found.st_mode & 0o7777);
        let kind = FileType::from_raw_mode(found.st_mode);
        match kind {
            FileType::Directory => mkdirat(to, name, mode)?,
            FileType::Symlink => symlinkat(readlinkat(&source, c"", Vec::new())?.as_c_str(), to, name)?,
            _ => mknodat(to, name, kind, mode, found.st_rdev)?,
        }
        chownat(
            to,
            name,
            Some(Uid::from_raw(found.st_uid)),
            Some(Gid::from_raw(found.st_gid)),
            AtFlags::SYMLINK_NOFOLLOW,
        )?;
        match kind {
            FileType::Directory => {
                let made = open_new(to, name, OFlags::RDONLY | OFlags::DIRECTORY)?;
                copy_directory(source.as_fd(), made.as_fd(), depth)?;
                // chown(2) has cleared set-id bits.
                fchmod(&made, mode)?;
            }
            FileType::RegularFile => {
                let made = open_new(to, name, OFlags::WRONLY)?;
                copy_file(from, name, &made)?;
                fchmod(&made, mode)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn open_new(directory: BorrowedFd<'_>, name: &core::ffi::CStr, flags: OFlags) -> io::Result<OwnedFd> {
    openat(directory, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn copy_file(directory: BorrowedFd<'_>, name: &core::ffi::CStr, to: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let from = openat(directory, name, flags, Mode::empty())?;
    if FileType::from_raw_mode(fstat(&from)?.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    const AT_ONCE: usize = 1 << 30;
    while sendfile(to, &from, None, AT_ONCE)? > 0 {}
    Ok(())
}
