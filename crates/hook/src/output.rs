//! What hooks write: to the user's files, or into a pipe of which the end is kept.

use alloc::{string::String, vec::Vec};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    fs::{CWD, Mode, OFlags, openat},
    io::{self, Errno, read},
};
use wire::{Failure, plan::HookOutput};

/// How much of the end is kept, in bytes: callers read messages of less than 8 KiB.
const KEPT: usize = 2048;
/// What a pipe holds: more than that was not written by the program that has ended.
const PIPE: usize = 64 << 10;

/// The files that take what hooks write.
#[derive(Default)]
pub struct Output {
    pub stdout: Option<OwnedFd>,
    pub stderr: Option<OwnedFd>,
}

impl Output {
    /// Opens them, to append to, and makes those that are missing.
    pub fn open(files: &HookOutput) -> Result<Self, Failure> {
        let open = |path: &Option<String>| {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOCTTY | OFlags::CLOEXEC;
            let Some(path) = path else { return Ok(None) };
            openat(CWD, path.as_str(), flags, Mode::from_raw_mode(0o644))
                .map(Some)
                .map_err(|errno| Failure::new("open hook output", path, errno.raw_os_error()))
        };
        Ok(Self { stdout: open(&files.stdout)?, stderr: open(&files.stderr)? })
    }
}

/// The end of what was written.
#[derive(Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Reads what there is, once; false at the end.
    pub fn read(&mut self, pipe: &OwnedFd) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let count = match read(pipe, &mut buffer) {
            Err(Errno::INTR) => return Ok(true),
            other => other?,
        };
        self.0.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let excess = self.0.len().saturating_sub(KEPT);
        self.0.drain(..excess);
        Ok(count > 0)
    }

    /// Reads what a program that has ended may have left in the pipe; others may still be writing.
    pub fn read_rest(&mut self, pipe: &OwnedFd) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        for _ in 0..PIPE / 4096 {
            let ready = poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&now));
            if !matches!(ready, Ok(1)) || !matches!(self.read(pipe), Ok(true)) {
                return;
            }
        }
    }
}

impl core::fmt::Display for Tail {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(String::from_utf8_lossy(&self.0).trim())
    }
}
