//! From an errno to a Failure: `call().failing("write record", path)?`.

use rustix::io::Errno;
use std::io;
use wire::Failure;

/// An error that has an errno.
pub trait HasErrno {
    fn errno(&self) -> i32;
}

impl HasErrno for Errno {
    fn errno(&self) -> i32 {
        self.raw_os_error()
    }
}

impl HasErrno for io::Error {
    fn errno(&self) -> i32 {
        self.raw_os_error().unwrap_or(Errno::IO.raw_os_error())
    }
}

pub trait Failing<T> {
    /// Names the step and the object that an error belongs to.
    fn failing(self, step: &str, object: impl ToString) -> Result<T, Failure>;
}

impl<T, E: HasErrno> Failing<T> for Result<T, E> {
    fn failing(self, step: &str, object: impl ToString) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(step, object, error.errno()))
    }
}
