//! How much may be read before something is at an end: a few bytes of a compressed archive can stand for any number of them, in headers
//! and names, which the reader of archives keeps in memory, as in files.

use std::{
    cell::Cell,
    io::{self, Read},
};

/// Headers of one entry, and the names that are too long for them.
const MOST_OF_HEADERS: u64 = 1 << 20;

/// Bytes that may be read.
pub struct Allowance(Cell<u64>);

impl Allowance {
    pub fn none() -> Self {
        Self(Cell::new(0))
    }

    pub fn headers(&self) {
        self.0.set(MOST_OF_HEADERS);
    }

    /// The content of a file is counted where it is written.
    pub fn content(&self) {
        self.0.set(u64::MAX);
    }
}

/// A reader that gives what is allowed and then fails.
pub struct Allowed<'a, R> {
    pub inner: R,
    pub allowance: &'a Allowance,
}

impl<R: Read> Read for Allowed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Allowance(left) = self.allowance;
        let most = buffer.len().min(usize::try_from(left.get()).unwrap_or(usize::MAX));
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::other("an entry has headers without end"));
        }
        let read = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        left.set(left.get() - read as u64);
        Ok(read)
    }
}
