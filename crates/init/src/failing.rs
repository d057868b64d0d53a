//! From an errno to a Failure: `call().failing("mount proc on", target)?`.

use alloc::string::ToString;
use rustix::io;
use wire::Failure;

pub trait Failing<T> {
    /// Names the step and the object that an error belongs to.
    fn failing(self, step: &str, object: impl ToString) -> Result<T, Failure>;
}

impl<T> Failing<T> for io::Result<T> {
    fn failing(self, step: &str, object: impl ToString) -> Result<T, Failure> {
        self.map_err(|errno| Failure::new(step, object, errno.raw_os_error()))
    }
}
