//! The init helper as an executable file in memory that nobody can change: neither the container that it enters, nor another
//! process of ours (CVE-2019-5736).

use crate::failing::Failing;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::{self, Errno, write},
};
use std::sync::OnceLock;
use wire::Failure;

/// Written once a process, and kept.
static IMAGE: OnceLock<OwnedFd> = OnceLock::new();

/// The sealed helper.
pub fn image() -> Result<BorrowedFd<'static>, Failure> {
    if let Some(image) = IMAGE.get() {
        return Ok(image.as_fd());
    }
    let image = make().failing("make init executable", "")?;
    // Another thread may have been quicker; then its copy is used and ours goes.
    Ok(IMAGE.get_or_init(|| image).as_fd())
}

fn make() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Linux 6.3 wants to hear that the file is for execution (vm.memfd_noexec); older kernels do not know the flag.
    let file = match memfd_create(c"gantry-init", flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(c"gantry-init", flags)?,
        result => result?,
    };
    let mut rest = init_image::INIT;
    while !rest.is_empty() {
        match write(&file, rest)? {
            0 => return Err(Errno::IO),
            written => rest = rest.get(written..).unwrap_or_default(),
        }
    }
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file)
}
