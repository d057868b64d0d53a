//! Kernel parameters, written through a procfs that nobody else sees: what an image or another container mounts over /proc has no
//! say in where a value goes (CVE-2025-52881).

use crate::failing::Failing;
use alloc::format;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{Mode, OFlags, ResolveFlags, openat2},
    io::{self, write},
    mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen},
};
use wire::Failure;

/// A private procfs, opened when it is first needed.
#[derive(Default)]
pub struct PrivateProc(Option<OwnedFd>);

impl PrivateProc {
    /// Writes `value` to /proc/sys/`path` in one write(2).
    pub fn set(&mut self, path: &str, value: &str) -> Result<(), Failure> {
        let proc = match &self.0 {
            Some(proc) => proc,
            None => self.0.insert(open().failing("open a private procfs", "")?),
        };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let file = format!("sys/{path}");
        let set = || -> io::Result<()> {
            let file = openat2(proc, file.as_str(), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty(), resolve)?;
            write(file.as_fd(), value.as_bytes()).map(drop)
        };
        set().failing("set sysctl", path)
    }
}

fn open() -> io::Result<OwnedFd> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}
