//! Unpacking: entry by entry, each made anew in the place of what has its name.
//!
//! What is made has neither set-user-ID nor set-group-ID (but for directories) and no extended attributes: nothing in a sandbox may gain
//! rights by them, and nobody outside should. Devices are no part of what is unpacked.

use crate::{
    budget::{Allowance, Allowed},
    compression::decompressed,
    failing, names,
    tree::{self, Tree},
    whiteouts::{self, Made},
};
use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::{
        self, AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, linkat, mkdirat, mknodat,
        openat, symlinkat, utimensat,
    },
    io::{self, Errno},
};
use std::io::{Read, Write};
use tar::{Archive, Entry, EntryType};
use wire::Failure;

const STEP: &str = "unpack";

pub struct Rules<'a> {
    /// Gives what was made, a descriptor of it, to the ids that the archive says.
    pub give: &'a dyn Fn(BorrowedFd<'_>, u32, u32) -> io::Result<()>,
    /// It is a layer of an image: it has whiteouts, directories that are there get the mode of its own, and devices are left out. Else a
    /// device is an error.
    pub layer: bool,
    /// Bytes in files.
    pub most_bytes: u64,
    pub most_entries: u64,
}

/// Unpacks an archive, compressed or not, into the directory `top`, and reads it to its very end. After a failure what was unpacked so
/// far stays. Gives the bytes in its files.
pub fn unpack(top: BorrowedFd<'_>, mut archive: impl Read, rules: &Rules<'_>) -> Result<u64, Failure> {
    let allowance = Allowance::none();
    allowance.content();
    let inner = decompressed(&mut archive).map_err(|error| failing::archive(STEP, &error))?;
    let mut reader = Archive::new(Allowed { inner, allowance: &allowance });
    let mut unpacking =
        Unpacking { tree: Tree { top }, rules, bytes: 0, made: Made::default(), directories: Vec::new() };
    let mut entries = reader.entries().map_err(|error| failing::archive(STEP, &error))?;
    let mut count = 0;
    loop {
        allowance.headers();
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| failing::archive(STEP, &error))?;
        count += 1;
        if count > rules.most_entries {
            let text = format!("it has more than {} entries", rules.most_entries);
            return Err(failing::archive(STEP, &std::io::Error::other(text)));
        }
        allowance.content();
        unpacking.entry(&mut entry)?;
    }
    unpacking.finish_directories()?;
    drop(reader);
    // Whoever writes it is not to find that nobody reads.
    std::io::copy(&mut archive, &mut std::io::sink()).map_err(|error| failing::archive(STEP, &error))?;
    Ok(unpacking.bytes)
}

struct Unpacking<'a> {
    tree: Tree<'a>,
    rules: &'a Rules<'a>,
    /// Written so far.
    bytes: u64,
    made: Made,
    /// With their attributes: those come when all that is in them is there.
    directories: Vec<(Vec<u8>, Attributes)>,
}

#[derive(Clone, Copy)]
struct Attributes {
    mode: Mode,
    uid: u32,
    gid: u32,
    /// Seconds since 1970.
    mtime: i64,
}

impl Unpacking<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, impl Read>) -> Result<(), Failure> {
        let name = entry.path_bytes().into_owned();
        let failed = |errno| failing::entry(STEP, &name, errno);
        let components =
            names::components(&name).ok_or_else(|| failing::refused(&name, "a name that leads out of the archive"))?;
        if self.rules.layer && whiteouts::apply(self.tree, &self.made, &components).map_err(failed)? {
            return Ok(());
        }
        let attributes = attributes(entry).map_err(|error| failing::archive(STEP, &error))?;
        let kind = match entry.header().entry_type() {
            // From before there was a type for them.
            EntryType::Regular if name.ends_with(b"/") => EntryType::Directory,
            kind => kind,
        };
        let Some((last, above)) = components.split_last() else {
            if kind == EntryType::Directory {
                self.directory_there(&components, attributes);
            }
            return Ok(());
        };
        let parent = || self.tree.directory(above).map_err(failed);
        match kind {
            EntryType::Directory => {
                let parent = parent()?;
                match tree::kind_of(&parent, last).map_err(failed)? {
                    Some(FileType::Directory) => self.directory_there(&components, attributes),
                    other => {
                        if other.is_some() {
                            tree::remove(&parent, last).map_err(failed)?;
                        }
                        mkdirat(&parent, *last, Mode::RWXU).map_err(failed)?;
                        self.directories.push((names::joined(&components), attributes));
                    }
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let parent = parent()?;
                tree::remove(&parent, last).map_err(failed)?;
                self.file(parent.as_fd(), last, &name, entry, attributes)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let parent = parent()?;
                tree::remove(&parent, last).map_err(failed)?;
                symlinkat(target.as_slice(), &parent, *last).map_err(failed)?;
                self.finish_unopened(parent.as_fd(), last, attributes).map_err(failed)?;
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let parent = parent()?;
                self.hard_link(parent.as_fd(), last, &name, &target)?;
            }
            EntryType::Fifo => {
                let parent = parent()?;
                tree::remove(&parent, last).map_err(failed)?;
                mknodat(&parent, *last, FileType::Fifo, attributes.mode, 0).map_err(failed)?;
                self.finish_unopened(parent.as_fd(), last, attributes).map_err(failed)?;
            }
            EntryType::Char | EntryType::Block if self.rules.layer => return Ok(()),
            EntryType::Char | EntryType::Block => return Err(failing::refused(&name, "a device")),
            EntryType::XGlobalHeader => return Ok(()),
            _ => return Err(failing::refused(&name, "neither a file nor a directory nor a link")),
        }
        if self.rules.layer {
            self.made.add(&components);
        }
        Ok(())
    }

    /// One that was there before is the archive's only in a layer.
    fn directory_there(&mut self, components: &[&[u8]], attributes: Attributes) {
        if self.rules.layer {
            self.directories.push((names::joined(components), attributes));
        }
    }

    fn file(
        &mut self,
        parent: BorrowedFd<'_>,
        last: &[u8],
        name: &[u8],
        entry: &mut Entry<'_, impl Read>,
        attributes: Attributes,
    ) -> Result<(), Failure> {
        let failed = |errno| failing::entry(STEP, name, errno);
        let left = self.rules.most_bytes - self.bytes;
        if entry.size() > left {
            return Err(failing::refused(name, &format!("with which it is more than {} bytes", self.rules.most_bytes)));
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, last, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let mut file = std::fs::File::from(file);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = entry.read(&mut buffer).map_err(|error| failing::archive(STEP, &error))?;
            if read == 0 {
                break;
            }
            self.bytes += read as u64;
            if self.bytes > self.rules.most_bytes {
                return Err(failing::refused(name, "which is longer than it says"));
            }
            file.write_all(buffer.get(..read).unwrap_or_default())
                .map_err(|error| failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        }
        finish(file.as_fd(), attributes, self.rules).map_err(failed)
    }

    /// To what is in the archive's own directory; of a link, to that itself.
    fn hard_link(&self, parent: BorrowedFd<'_>, last: &[u8], name: &[u8], target: &[u8]) -> Result<(), Failure> {
        let failed = |errno| failing::entry(STEP, name, errno);
        let components = names::components(target)
            .ok_or_else(|| failing::refused(name, "a hard link that leads out of the archive"))?;
        let Some((target, above)) = components.split_last() else { return Err(failed(Errno::ISDIR)) };
        let from = self.tree.directory(above).map_err(failed)?;
        match tree::kind_of(&from, target).map_err(failed)? {
            Some(FileType::RegularFile | FileType::Symlink | FileType::Fifo) => {}
            Some(_) => return Err(failing::refused(name, "a hard link to what is no file")),
            None => return Err(failed(Errno::NOENT)),
        }
        let same = || -> io::Result<bool> {
            let one = fs::statat(&from, *target, AtFlags::SYMLINK_NOFOLLOW)?;
            let Ok(other) = fs::statat(parent, last, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(false) };
            Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
        };
        if same().map_err(failed)? {
            return Ok(());
        }
        tree::remove(parent, last).map_err(failed)?;
        linkat(&from, *target, parent, last, AtFlags::empty()).map_err(failed)
    }

    /// For what can't be opened without an effect. Another may have its name by now; then it does not get what that has.
    fn finish_unopened(&self, parent: BorrowedFd<'_>, last: &[u8], attributes: Attributes) -> io::Result<()> {
        utimensat(parent, last, &times(attributes.mtime), AtFlags::SYMLINK_NOFOLLOW)?;
        let made = openat(parent, last, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        (self.rules.give)(made.as_fd(), attributes.uid, attributes.gid)
    }

    fn finish_directories(&mut self) -> Result<(), Failure> {
        // What is in a directory changes its time: the inner ones first.
        for (name, attributes) in self.directories.drain(..).rev() {
            let failed = |errno| failing::entry(STEP, &name, errno);
            let components = names::components(&name).unwrap_or_default();
            let directory = match self.tree.real_directory(&components) {
                Ok(found) => tree::open_directory(found, b".").map_err(failed)?,
                // Another entry has taken its place.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(errno) => return Err(failed(errno)),
            };
            finish(directory.as_fd(), attributes, self.rules).map_err(failed)?;
        }
        Ok(())
    }
}

/// Mode and time, and the owner last, who may do what we may not.
fn finish(made: BorrowedFd<'_>, attributes: Attributes, rules: &Rules<'_>) -> io::Result<()> {
    fchmod(made, attributes.mode)?;
    fs::futimens(made, &times(attributes.mtime))?;
    (rules.give)(made, attributes.uid, attributes.gid)
}

fn attributes(entry: &Entry<'_, impl Read>) -> std::io::Result<Attributes> {
    let header = entry.header();
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX - 1);
    let kept = if header.entry_type() == EntryType::Directory { 0o3777 } else { 0o1777 };
    Ok(Attributes {
        mode: Mode::from_raw_mode(header.mode()? & kept),
        uid: number(header.uid()?),
        gid: number(header.gid()?),
        mtime: i64::try_from(header.mtime()?).unwrap_or(0),
    })
}

fn times(mtime: i64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime, tv_nsec: 0 },
    }
}
