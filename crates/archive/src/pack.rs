//! Packing: what is at a path, as an archive in the format of GNU tar.
//!
//! Somebody hostile may change the directory meanwhile. Nothing is followed that was not looked at; a file that becomes shorter is filled
//! with zeros, as its length is said first.

use crate::{failing, tree};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{FileType, Mode, OFlags, Stat, fstat, major, minor, openat, readlinkat},
    io::{self, Errno},
};
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Write},
};
use tar::{Builder, EntryType, Header};
use wire::Failure;

const STEP: &str = "pack";

/// Writes the archive of what is in the directory `top`, of which O_PATH will do. `ids` tells what the archive says of a file's ids.
/// Sockets are left out.
pub fn pack(top: BorrowedFd<'_>, to: impl Write, ids: &dyn Fn(u32, u32) -> (u32, u32)) -> Result<(), Failure> {
    let mut packing = Packing { builder: Builder::new(to), ids, links: HashMap::new() };
    let directory = tree::open_directory(top, b".").map_err(|errno| failing::entry(STEP, b"", errno))?;
    packing.content(&directory, b"", tree::MAX_DEPTH)?;
    let written = packing.builder.into_inner().and_then(|mut to| to.flush());
    written.map_err(|error| failing::archive(STEP, &error))
}

struct Packing<'a, W: Write> {
    builder: Builder<W>,
    ids: &'a dyn Fn(u32, u32) -> (u32, u32),
    /// The name in the archive of each file that has more than one, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
}

impl<W: Write> Packing<'_, W> {
    /// `path` ends with a slash, or is empty.
    fn content(&mut self, directory: &OwnedFd, path: &[u8], levels: usize) -> Result<(), Failure> {
        let failed = |errno| failing::entry(STEP, path, errno);
        let levels = levels.checked_sub(1).ok_or(Errno::NAMETOOLONG).map_err(failed)?;
        for (name, _) in tree::entries(directory).map_err(failed)? {
            self.entry(directory.as_fd(), &name, &[path, &name].concat(), levels)?;
        }
        Ok(())
    }

    fn entry(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8], levels: usize) -> Result<(), Failure> {
        let failed = |errno| failing::entry(STEP, path, errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let place = match openat(parent, name, flags, Mode::empty()) {
            // It is gone since.
            Err(Errno::NOENT) => return Ok(()),
            result => result.map_err(failed)?,
        };
        let found = fstat(&place).map_err(failed)?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if kind != FileType::Directory && found.st_nlink > 1 {
            let known = (found.st_dev, found.st_ino);
            if let Some(first) = self.links.get(&known).cloned() {
                return self.link(self.header(&found, EntryType::Link), path, &first);
            }
            self.links.insert(known, path.to_vec());
        }
        match kind {
            FileType::Directory => {
                let directory = tree::open_directory(place, b".").map_err(failed)?;
                let path = [path, b"/"].concat();
                self.append(self.header(&found, EntryType::Directory), &path, std::io::empty())?;
                self.content(&directory, &path, levels)
            }
            FileType::RegularFile => self.file(parent, name, path, &found),
            FileType::Symlink => {
                let target = readlinkat(&place, c"", Vec::new()).map_err(failed)?;
                self.link(self.header(&found, EntryType::Symlink), path, target.as_bytes())
            }
            FileType::Fifo => self.append(self.header(&found, EntryType::Fifo), path, std::io::empty()),
            FileType::CharacterDevice | FileType::BlockDevice => {
                let character = kind == FileType::CharacterDevice;
                let mut header = self.header(&found, if character { EntryType::Char } else { EntryType::Block });
                let numbers = header
                    .set_device_major(major(found.st_rdev))
                    .and_then(|()| header.set_device_minor(minor(found.st_rdev)));
                numbers.map_err(|error| failing::archive(STEP, &error))?;
                self.append(header, path, std::io::empty())
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8], found: &Stat) -> Result<(), Failure> {
        let open = || -> io::Result<(OwnedFd, Stat)> {
            // What has the name by now may be a FIFO: opening it must not wait, nor reading.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = openat(parent, name, flags, Mode::empty())?;
            let now = fstat(&file)?;
            let same = (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino);
            if same { Ok((file, now)) } else { Err(Errno::AGAIN) }
        };
        let (file, now) = open().map_err(|errno| failing::entry(STEP, path, errno))?;
        let mut header = self.header(&now, EntryType::Regular);
        let size = u64::try_from(now.st_size).unwrap_or(0);
        header.set_size(size);
        self.append(header, path, File::from(file).chain(std::io::repeat(0)).take(size))
    }

    fn header(&self, found: &Stat, kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(found.st_mode & 0o7777);
        let (uid, gid) = (self.ids)(found.st_uid, found.st_gid);
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        header.set_mtime(u64::try_from(found.st_mtime).unwrap_or(0));
        header.set_size(0);
        header
    }

    fn append(&mut self, mut header: Header, path: &[u8], content: impl Read) -> Result<(), Failure> {
        let appended = self.builder.append_data(&mut header, path_of(path), content);
        appended.map_err(|error| failing::archive(STEP, &error))
    }

    /// With the target as it is, byte by byte.
    fn link(&mut self, mut header: Header, path: &[u8], target: &[u8]) -> Result<(), Failure> {
        if header.set_link_name_literal(target).is_err() {
            let mut long = Header::new_gnu();
            long.set_entry_type(EntryType::GNULongLink);
            long.set_mode(0o644);
            long.set_size(target.len() as u64 + 1);
            let named = long.set_path("@LongLink");
            long.set_cksum();
            named
                .and_then(|()| self.builder.append(&long, target.chain(&[0][..])))
                .map_err(|error| failing::archive(STEP, &error))?;
        }
        self.append(header, path, std::io::empty())
    }
}

fn path_of(name: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt;
    std::path::Path::new(std::ffi::OsStr::from_bytes(name))
}
