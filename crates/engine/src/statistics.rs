//! What a container uses, and hearing of its want of memory.

use crate::{failing::Failing, store::ContainerDir};
use cgroup::{CgroupRef, Heard, Texts};
use rustix::io::Errno;
use serde::Serialize;
use std::time::Duration;
use wire::Failure;

/// `CgroupTexts` of src/host/host.ts.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct CgroupTexts {
    pub v1: Texts,
    pub v2: Texts,
}

/// The texts of files of a container's cgroup: see [`cgroup::read`].
///
/// Fails with step `read statistics of` and EOPNOTSUPP for a container without a cgroup.
pub fn read(root: &str, id: &str, files: &[String]) -> Result<CgroupTexts, Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    read_of(&record.cgroup, files)?
        .ok_or(Errno::OPNOTSUPP)
        .failing("read statistics of", format!("{id}, which has no cgroup"))
}

/// The same for the directories of a cgroup; nothing if there are none.
pub(crate) fn read_of(cgroup: &[CgroupRef], files: &[String]) -> Result<Option<CgroupTexts>, Failure> {
    if cgroup.is_empty() {
        return Ok(None);
    }
    let [v1, v2] = cgroup::read(cgroup, files)?;
    Ok(Some(CgroupTexts { v1, v2 }))
}

/// Waits for news: see [`cgroup::await_oom`]. `timeout` is in milliseconds.
pub fn await_oom(root: &str, id: &str, since: u64, timeout: u64) -> Result<Heard, Failure> {
    let record = ContainerDir::open(root, id)?.read_record()?;
    cgroup::await_oom(&record.cgroup, since, Duration::from_millis(timeout))
}
