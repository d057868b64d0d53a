//! Signals to a container.

use crate::{failing::Failing, record::Record, store::ContainerDir};
use rustix::{fd::AsFd, io::Errno, process::Signal};
use wire::Failure;

/// Sends a signal to init, or with `all` to every process of the container's cgroup.
///
/// Fails with step `signal container` and ESRCH when init is gone; with `all` that is fine, as there may be processes that
/// outlived it. SIGKILL also resumes a paused container, which could not end otherwise.
pub fn signal(root: &str, id: &str, number: i32, all: bool) -> Result<(), Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    if all && !record.cgroup.is_empty() {
        return cgroup::kill(&record.cgroup, number);
    }
    match signal_init(&record, number) {
        Err(Errno::SRCH) if all => Ok(()),
        other => other.failing("signal container", id),
    }
}

fn signal_init(record: &Record, number: i32) -> Result<(), Errno> {
    let errno = |failure: Failure| Errno::from_raw_os_error(failure.errno);
    let Some(init) = record.init.map(|init| init.open()).transpose().map_err(errno)?.flatten() else {
        return Err(Errno::SRCH);
    };
    sys::pidfd::send_signal(init.as_fd(), number)?;
    if number == Signal::KILL.as_raw() && cgroup::is_frozen(&record.cgroup).map_err(errno)? {
        cgroup::thaw(&record.cgroup).map_err(errno)?;
    }
    Ok(())
}
