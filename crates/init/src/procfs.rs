//! Files of procfs that are written to, through a procfs that nobody else sees: what an image or another container mounts over /proc has
//! no say in where a value goes (CVE-2019-16884, CVE-2025-52881).

use alloc::format;
use rustix::{
    fd::{AsFd, AsRawFd, OwnedFd},
    fs::{CWD, Mode, OFlags, ResolveFlags, fstat, fstatfs, openat2},
    io::{self, Errno, read, write},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, UnmountFlags, fsconfig_create, fsmount, fsopen, unmount},
    process::fchdir,
};

/// statfs(2).
const PROC_SUPER_MAGIC: u64 = 0x9fa0;
/// The inode of the root of every procfs.
const PROC_ROOT_INO: u64 = 1;

/// A private procfs, opened when it is first needed.
#[derive(Default)]
pub struct PrivateProc(Option<OwnedFd>);

impl PrivateProc {
    /// Opens it now: where it is needed later, it might not be to be had.
    pub fn opened() -> io::Result<Self> {
        Ok(Self(Some(mount().or_else(|_| mounted())?)))
    }

    /// Writes `value` to a file, named from the root of the procfs, in one write(2).
    pub fn write(&mut self, file: &str, value: &str) -> io::Result<()> {
        let file = self.open(file, OFlags::WRONLY)?;
        write(file.as_fd(), value.as_bytes()).map(drop)
    }

    /// The first page of a file.
    pub fn read<'a>(&mut self, file: &str, page: &'a mut [u8; 4096]) -> io::Result<&'a [u8]> {
        let file = self.open(file, OFlags::RDONLY)?;
        let mut filled = 0;
        while let Some(rest) = page.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read(file.as_fd(), rest)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(page.get(..filled).unwrap_or_default())
    }

    /// Takes away the mount whose root a descriptor refers to, with all below it: umount2(2) knows only paths, and those in a container
    /// lead where that likes. Goes to the procfs's directory.
    pub fn unmount(&mut self, mount: &OwnedFd) -> io::Result<()> {
        fchdir(self.root()?)?;
        unmount(format!("self/fd/{}", mount.as_raw_fd()), UnmountFlags::DETACH)
    }

    /// Opens a file, and nothing that is mounted over one.
    fn open(&mut self, file: &str, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        openat2(self.root()?, file, flags | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty(), resolve)
    }

    fn root(&mut self) -> io::Result<&OwnedFd> {
        Ok(match &mut self.0 {
            Some(root) => root,
            none => none.insert(mount().or_else(|_| mounted())?),
        })
    }
}

fn mount() -> io::Result<OwnedFd> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

/// The one at /proc, where we may not mount another: in a user namespace, or one whose PID namespace is not ours.
fn mounted() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat2(CWD, "/proc", flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    if fstatfs(&root)?.f_type as u64 == PROC_SUPER_MAGIC && fstat(&root)?.st_ino == PROC_ROOT_INO {
        Ok(root)
    } else {
        Err(Errno::NXIO)
    }
}
