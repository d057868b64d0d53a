//! The pid file: decimal digits and nothing else, complete from the moment it exists, since callers poll for it.

use crate::failing::Failing;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat},
    io::{self, Errno},
};
use std::path::{Path, PathBuf};
use wire::Failure;

/// Writes `pid` to `.NAME` beside the file, then renames.
pub fn write(path: &str, pid: i32) -> Result<(), Failure> {
    let temporary = temporary_for(path).failing("write pid file", path)?;
    let write = || -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(CWD, &temporary, flags, Mode::from_raw_mode(0o644)) {
            // Left by somebody who was killed between the two steps.
            Err(Errno::EXIST) => {
                unlinkat(CWD, &temporary, AtFlags::empty())?;
                openat(CWD, &temporary, flags, Mode::from_raw_mode(0o644))?
            }
            result => result?,
        };
        rustix::io::write(&file, pid.to_string().as_bytes())?;
        renameat(CWD, &temporary, CWD, path)
    };
    write()
        .inspect_err(|_| {
            // What is half made goes; that it can't is no further news.
            let _ = unlinkat(CWD, &temporary, AtFlags::empty());
        })
        .failing("write pid file", path)
}

/// Removes the file of a container that did not come to life.
pub fn remove(path: &str) {
    let _ = unlinkat(CWD, path, AtFlags::empty());
}

fn temporary_for(path: &str) -> io::Result<PathBuf> {
    let path = Path::new(path);
    let name = path.file_name().ok_or(Errno::ISDIR)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    Ok(path.with_file_name(hidden))
}
