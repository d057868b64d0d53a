//! Files and standard streams for the orchestrator: config.json, pid files, logs, what it prints.

use crate::failing::Failing;
use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags, poll},
    fd::{AsFd, OwnedFd},
    fs::{CWD, FileType, Mode, OFlags, openat, stat, unlink},
    io::{self, Errno},
};
use wire::Failure;

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 16 << 20;

/// The text of a file. Fails with step `read`: EFBIG beyond [`MAX_TEXT`], EILSEQ when it is not UTF-8, EISDIR for a directory.
pub fn read_text(path: &str) -> Result<String, Failure> {
    open(path, OFlags::RDONLY, 0).and_then(read_to_end).failing("read", path)
}

/// Standard input to its end, within the limits of [`read_text`].
pub fn read_input() -> Result<String, Failure> {
    read_to_end(rustix::stdio::stdin()).failing("read", "standard input")
}

/// Makes a file that must not exist, with mode 0666 less the umask. Fails with step `create`.
pub fn create_text(path: &str, text: &str) -> Result<(), Failure> {
    let file = open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, 0o666).failing("create", path)?;
    write_all(&file, text).failing("write", path).inspect_err(|_| {
        // Half a file is worse than none; the failure to write is what counts.
        let _ = unlink(path);
    })
}

/// Whether a path is a directory, after following links. A missing one is none.
pub fn is_directory(path: &str) -> Result<bool, Failure> {
    match stat(path) {
        Ok(found) => Ok(FileType::from_raw_mode(found.st_mode) == FileType::Directory),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(error) => Err(error).failing("look at", path),
    }
}

/// Writes to standard output, in one write(2) where that is possible.
pub fn write_output(text: &str) -> Result<(), Failure> {
    write_all(rustix::stdio::stdout(), text).failing("write to", "standard output")
}

/// Writes to standard error, in one write(2) where that is possible.
pub fn write_error(text: &str) -> Result<(), Failure> {
    write_all(rustix::stdio::stderr(), text).failing("write to", "standard error")
}

/// Appends to a file, made with mode 0644 less the umask if it is missing: one write(2), so that lines of several writers
/// don't mix.
pub fn append_log(path: &str, text: &str) -> Result<(), Failure> {
    open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND, 0o644)
        .and_then(|file| write_all(&file, text))
        .failing("write log", path)
}

fn open(path: &str, flags: OFlags, mode: u32) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
    io::retry_on_intr(|| openat(CWD, path, flags, Mode::from_raw_mode(mode)))
}

fn read_to_end(file: impl AsFd) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(16 << 10);
    loop {
        match io::read(&file, spare_capacity(&mut bytes)) {
            Ok(0) => break,
            Ok(_) if bytes.len() > MAX_TEXT => return Err(Errno::FBIG),
            Ok(_) => bytes.reserve(16 << 10),
            Err(error) => wait_or_fail(&file, PollFlags::IN, error)?,
        }
    }
    String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)
}

fn write_all(file: impl AsFd, text: &str) -> io::Result<()> {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match io::write(&file, rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) => wait_or_fail(&file, PollFlags::OUT, error)?,
        }
    }
    Ok(())
}

/// Deals with a read or write that did nothing: again after a signal, and when ready where the other end of a stream that we
/// share has made it non-blocking.
fn wait_or_fail(file: impl AsFd, event: PollFlags, error: Errno) -> io::Result<()> {
    match error {
        Errno::INTR => Ok(()),
        Errno::AGAIN => io::retry_on_intr(|| poll(&mut [PollFd::new(&file, event)], None)).map(drop),
        error => Err(error),
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
