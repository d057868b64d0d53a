//! The cgroup of a container: one directory in a v2 hierarchy, one in each v1 hierarchy, or both (a hybrid layout).
//!
//! [`create()`] makes the directories that a plan names, fills them and gives a [`Cgroup`] to put the first process into.
//! From then on the container's record holds [`CgroupRef`]s, and the other functions work on those. The order that keeps
//! `delete` safe after a crash at any moment: [`check_unused`], record [`planned`], [`create()`], record [`Cgroup::refs`], and
//! only then let a process in. So a reference without an inode never had a process of the container in it.
//!
//! Every look-up is openat2(2) without symbolic links, and what is found must be a cgroup directory of the right version.
//! Who has the inode number of a directory also checks that it is still the same one: `None` stands for "not there".
#![forbid(unsafe_code)]

mod create;
mod delegate;
mod device;
mod device_filter;
mod freezer;
mod members;
mod oom;
mod read;
mod remove;
mod tree;
mod update;
mod values;

pub use create::{Cgroup, check_unused, create, open, planned};
pub use freezer::{freeze, is_frozen, thaw};
pub use members::{kill, pids};
pub use oom::{Heard, await_oom};
pub use read::{Texts, read};
pub use remove::remove;
pub use update::{Updated, update};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::{
    thread,
    time::{Duration, Instant},
};
use wire::Failure;

/// How long an operation waits for the kernel or for processes before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Names a cgroup directory of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupRef {
    /// Absolute: `/sys/fs/cgroup/memory/box`.
    pub path: String,
    /// 1 or 2.
    pub version: u8,
    /// What tells it from a later directory of the same name; none while it is only planned.
    pub inode: Option<u64>,
    /// Whether the container is frozen through this directory: the v1 freezer's, else the v2 one.
    pub freezer: bool,
}

/// Makes a [`Failure`] of an errno.
fn failure<'a>(step: &'a str, object: &'a str) -> impl FnOnce(Errno) -> Failure + use<'a> {
    move |errno| Failure::new(step, object, errno.raw_os_error())
}

/// Sleeps longer each time, from 0.1 to 20 ms, until the patience is used up.
struct Backoff {
    pause: Duration,
    deadline: Instant,
}

impl Backoff {
    fn new(patience: Duration) -> Self {
        Self { pause: Duration::from_micros(100), deadline: Instant::now() + patience }
    }

    /// Whether there was patience left to sleep.
    fn wait(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        thread::sleep(self.pause.min(left));
        self.pause = (self.pause * 2).min(Duration::from_millis(20));
        !left.is_zero()
    }
}
