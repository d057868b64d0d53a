//! What a container uses, and hearing of its want of memory.

use crate::{failing::Failing, store::ContainerDir};
use cgroup::{Heard, Texts};
use rustix::io::Errno;
use serde::Serialize;
use std::time::Duration;
use wire::Failure;

/// `CgroupTexts` of src/host/host.ts.
#[derive(Debug, Serialize)]
pub struct CgroupTexts {
    pub v1: Texts,
    pub v2: Texts,
}

/// The texts of files of a container's cgroup: see [`cgroup::read`].
///
/// Fails with step `read statistics of` and EOPNOTSUPP for a container without a cgroup.
pub fn read(root: &str, id: &str, files: &[String]) -> Result<CgroupTexts, Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    if record.cgroup.is_empty() {
        return Err(Errno::OPNOTSUPP).failing("read statistics of", format!("{id}, which has no cgroup"));
    }
    let [v1, v2] = cgroup::read(&record.cgroup, files)?;
    Ok(CgroupTexts { v1, v2 })
}

/// Waits for news: see [`cgroup::await_oom`]. `timeout` is in milliseconds.
pub fn await_oom(root: &str, id: &str, since: u64, timeout: u64) -> Result<Heard, Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    cgroup::await_oom(&record.cgroup, since, Duration::from_millis(timeout))
}
