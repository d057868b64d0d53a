//! The container's root: every path of a plan is resolved inside it, by the descriptor, and never leaves it.
//!
//! Images are hostile: any component of any path may be a link, or become one while we look. So a path is looked up once and
//! the descriptor of what was found is used from then on.

use alloc::{string::String, vec, vec::Vec};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{
        AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, mkdirat, mknodat, openat, openat2,
        readlinkat, statx,
    },
    io::{self, Errno, fcntl_dupfd_cloexec},
};

/// As the kernel's own limit (path_resolution(7)).
const MAX_LINKS: usize = 40;
/// openat2(2) gives EAGAIN when something is renamed meanwhile; an attacker can do that for ever.
const MAX_TRIES: usize = 128;

/// What to make when the last component of a path is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Directory,
    File,
}

pub struct Root {
    directory: OwnedFd,
}

impl Root {
    /// `directory` is an O_PATH descriptor of the root's mount.
    pub fn new(directory: OwnedFd) -> Self {
        Self { directory }
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// What is at `path`, as an O_PATH descriptor; links are followed inside the root.
    pub fn find(&self, path: &str) -> io::Result<OwnedFd> {
        self.open(path, OFlags::PATH, ResolveFlags::empty())
    }

    /// The directory at `path`, if no component is a link.
    pub fn find_real_directory(&self, path: &str) -> io::Result<OwnedFd> {
        self.open(path, OFlags::PATH | OFlags::DIRECTORY, ResolveFlags::NO_SYMLINKS)
    }

    /// Opens what is at `path`; links are followed inside the root, never those of procfs that lead out of it.
    pub fn open(&self, path: &str, flags: OFlags, resolve: ResolveFlags) -> io::Result<OwnedFd> {
        let resolve = resolve | ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        for _ in 0..MAX_TRIES {
            match openat2(&self.directory, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }

    /// Whether `place` is the root itself. A mount over it would not be seen by whoever has it as root already.
    pub fn is_at(&self, place: &OwnedFd) -> io::Result<bool> {
        let of = |place: BorrowedFd<'_>| -> io::Result<(u64, u64)> {
            let mask = StatxFlags::INO | StatxFlags::MNT_ID;
            let found = statx(place, c"", AtFlags::EMPTY_PATH, mask)?;
            Ok((found.stx_mnt_id, found.stx_ino))
        };
        Ok(of(place.as_fd())? == of(self.as_fd())?)
    }

    /// What is at `path`, made if it is missing, with the directories above it (mode 0755). The flag: whether it was there.
    pub fn find_or_make(&self, path: &str, missing: Missing) -> io::Result<(OwnedFd, bool)> {
        match self.find(path) {
            Ok(found) => Ok((found, true)),
            // A link to something missing is `ENOENT` too; the walk makes what it points to, inside the root.
            Err(Errno::NOENT) => self.walk(path, missing).map(|made| (made, false)),
            Err(errno) => Err(errno),
        }
    }

    /// The same, but a link at the end of `path` is what is found, not what it points to.
    pub fn find_or_make_unfollowed(&self, path: &str, missing: Missing) -> io::Result<OwnedFd> {
        let (directory, name) = self.find_parent(path)?;
        match look(directory.as_fd(), name) {
            Err(Errno::NOENT) => {
                make(directory.as_fd(), name, missing)?;
                look(directory.as_fd(), name)
            }
            result => result,
        }
    }

    /// The directory that holds `path`, made if it is missing, and the last component's name.
    pub fn find_parent<'a>(&self, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(Errno::INVAL);
        }
        let parent = if parent.is_empty() { "/" } else { parent };
        self.find_or_make(parent, Missing::Directory).map(|(directory, _)| (directory, name))
    }

    /// Goes down `path` one component at a time and makes what is missing. Links are resolved by hand: an absolute one starts
    /// at the root again, `..` never goes above it.
    fn walk(&self, path: &str, missing: Missing) -> io::Result<OwnedFd> {
        let mut above: Vec<OwnedFd> = vec![fcntl_dupfd_cloexec(&self.directory, 0)?];
        let mut rest: Vec<String> = components(path);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                if above.len() > 1 {
                    above.pop();
                }
                continue;
            }
            let here = above.last().ok_or(Errno::NOENT)?;
            let next = match look(here.as_fd(), &name) {
                Err(Errno::NOENT) => {
                    make(here.as_fd(), &name, if rest.is_empty() { missing } else { Missing::Directory })?;
                    look(here.as_fd(), &name)?
                }
                result => result?,
            };
            if FileType::from_raw_mode(fstat(&next)?.st_mode) != FileType::Symlink {
                above.push(next);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP);
            }
            let target = readlinkat(&next, c"", Vec::new())?.into_string().map_err(|_| Errno::ILSEQ)?;
            if target.starts_with('/') {
                above.truncate(1);
            }
            rest.extend(components(&target));
        }
        above.pop().ok_or(Errno::NOENT)
    }
}

/// One component, not followed if it is a link.
fn look(directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    openat(directory, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn make(directory: BorrowedFd<'_>, name: &str, missing: Missing) -> io::Result<()> {
    let made = match missing {
        Missing::Directory => mkdirat(directory, name, Mode::from_raw_mode(0o755)),
        // mknod and not open: it never follows a link and never opens a device.
        Missing::File => mknodat(directory, name, FileType::RegularFile, Mode::from_raw_mode(0o755), 0),
    };
    match made {
        // Somebody else made it: it is looked at next, without trust.
        Err(Errno::EXIST) => Ok(()),
        result => result,
    }
}

/// The components of a path, the last one first.
fn components(path: &str) -> Vec<String> {
    path.rsplit('/').filter(|part| !matches!(*part, "" | ".")).map(String::from).collect()
}
