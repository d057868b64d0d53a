//! What is done in the directory that an archive goes to. Links are followed inside it, never those of procfs; what is at the end of a
//! name is never followed.

use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{
        self, AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat, statat, unlinkat,
    },
    io::{self, Errno},
};

/// openat2(2) gives EAGAIN when something is renamed meanwhile; a program in the container can do that for ever.
const MAX_TRIES: usize = 128;

/// How deep directories may lie in each other: whoever removes or copies them has a descriptor open for each.
pub const MAX_DEPTH: usize = 256;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

#[derive(Clone, Copy)]
pub struct Tree<'a> {
    pub top: BorrowedFd<'a>,
}

impl Tree<'_> {
    /// The directory that a name leads to, made with all those above it if it is missing.
    pub fn directory(&self, components: &[&[u8]]) -> io::Result<OwnedFd> {
        let found = match self.find(components, ResolveFlags::empty()) {
            Err(Errno::NOENT) => {
                for end in 1..=components.len() {
                    self.make(components.get(..end).unwrap_or_default())?;
                }
                self.find(components, ResolveFlags::empty())?
            }
            result => result?,
        };
        if depth(&found)? > depth(self.top)? + MAX_DEPTH { Err(Errno::NAMETOOLONG) } else { Ok(found) }
    }

    /// The same, if it is there and no link is on the way.
    pub fn real_directory(&self, components: &[&[u8]]) -> io::Result<OwnedFd> {
        self.find(components, ResolveFlags::NO_SYMLINKS)
    }

    fn make(&self, components: &[&[u8]]) -> io::Result<()> {
        let Some((name, above)) = components.split_last() else { return Ok(()) };
        let parent = self.find(above, ResolveFlags::empty())?;
        match fs::mkdirat(parent, *name, Mode::from_raw_mode(0o755)) {
            // It may also be a read-only file system that says so where there is nothing to make.
            Err(errno) => self.find(components, ResolveFlags::empty()).map(drop).map_err(|_| errno),
            Ok(()) => Ok(()),
        }
    }

    fn find(&self, components: &[&[u8]], resolve: ResolveFlags) -> io::Result<OwnedFd> {
        let path = if components.is_empty() { b".".to_vec() } else { components.join(&b'/') };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = resolve | ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..MAX_TRIES {
            match openat2(self.top, path.as_slice(), flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// What kind of thing has that name, if any.
pub fn kind_of(parent: impl AsFd, name: &[u8]) -> io::Result<Option<FileType>> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Removes whatever has that name, with all that is in it; nothing is no error.
pub fn remove(parent: impl AsFd, name: &[u8]) -> io::Result<()> {
    remove_at(parent.as_fd(), name, MAX_DEPTH)
}

fn remove_at(parent: BorrowedFd<'_>, name: &[u8], levels: usize) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    let levels = levels.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    let directory = openat(parent, name, DIRECTORY, Mode::empty())?;
    for (inner, _) in entries(&directory)? {
        remove_at(directory.as_fd(), &inner, levels)?;
    }
    unlinkat(parent, name, AtFlags::REMOVEDIR)
}

/// Opens the directory of that name, which is no link.
pub fn open_directory(parent: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    openat(parent, name, DIRECTORY, Mode::empty())
}

/// What is in a directory, in the order of the names.
pub fn entries(directory: impl AsFd) -> io::Result<Vec<(Vec<u8>, FileType)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let kind = match entry.file_type() {
                FileType::Unknown => kind_of(&directory, name)?.unwrap_or(FileType::Unknown),
                kind => kind,
            };
            found.push((name.to_vec(), kind));
        }
    }
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// By the kernel's own name of a directory. One that is too long for that is too deep too.
fn depth(directory: impl AsFd) -> io::Result<usize> {
    let path = format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd());
    let name = readlinkat(CWD, path, Vec::new())?;
    Ok(name.as_bytes().iter().filter(|byte| **byte == b'/').count())
}
