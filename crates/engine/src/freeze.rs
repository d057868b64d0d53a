//! Pausing a container and letting it go on: its cgroup's freezer.

use crate::{
    failing::Failing,
    inspect::{Status, status},
    store::ContainerDir,
};
use rustix::io::Errno;
use wire::Failure;

/// Stops all processes of a created or running container; returns when they stand still.
///
/// Fails with step `pause container` and ESRCH when it is neither.
pub fn freeze(root: &str, id: &str) -> Result<(), Failure> {
    let container = ContainerDir::open_locked(root, id)?;
    let record = container.read_record()?;
    match status(&container, &record)? {
        Status::Created | Status::Running => cgroup::freeze(&record.cgroup),
        Status::Creating | Status::Paused | Status::Stopped => Err(Errno::SRCH).failing("pause container", id),
    }
}

/// Lets the processes of a paused container go on. Fails with step `resume container` and EINVAL when it is not paused.
pub fn thaw(root: &str, id: &str) -> Result<(), Failure> {
    let container = ContainerDir::open_locked(root, id)?;
    let record = container.read_record()?;
    match status(&container, &record)? {
        Status::Paused => cgroup::thaw(&record.cgroup),
        _ => Err(Errno::INVAL).failing("resume container", id),
    }
}
