//! New namespaces that init only joins: made by a thread of ours while record, cgroup and helper are made.
//!
//! A network namespace alone takes the kernel as long as all of init's mounts. It has to belong to the container's user namespace,
//! so this is for containers without one.

use crate::failing::Failing;
use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags, open},
    io::Errno,
};
use std::thread::{self, JoinHandle};
use sys::namespace::{kind, unshare};
use wire::{
    Failure,
    plan::{InitPlan, NamespaceKind},
};

/// Namespaces in the making.
pub struct Namespaces {
    kinds: Vec<NamespaceKind>,
    thread: Option<JoinHandle<Result<Vec<OwnedFd>, Failure>>>,
}

impl Namespaces {
    /// Begins to make those of the plan that can be.
    pub fn begin(plan: &InitPlan) -> Result<Self, Failure> {
        let in_user_namespace = plan.namespaces.iter().any(|namespace| namespace.kind == NamespaceKind::User);
        let new = plan.namespaces.iter().filter(|namespace| namespace.path.is_none() && !in_user_namespace);
        let kinds: Vec<NamespaceKind> =
            new.map(|namespace| namespace.kind).filter(|kind| of_thread(*kind).is_some()).collect();
        if kinds.is_empty() {
            return Ok(Self { kinds, thread: None });
        }
        let what: Vec<(u32, &str)> = kinds.iter().filter_map(|kind| of_thread(*kind)).collect();
        let thread = thread::Builder::new().spawn(move || make(&what)).failing("start a thread for", "namespaces")?;
        Ok(Self { kinds, thread: Some(thread) })
    }

    /// Waits for them.
    pub fn finish(self) -> Result<(Vec<NamespaceKind>, Vec<OwnedFd>), Failure> {
        let defect = |_| Failure::new("make", "namespaces", Errno::IO.raw_os_error());
        let descriptors = self.thread.map(|thread| thread.join().map_err(defect)?).transpose()?;
        Ok((self.kinds, descriptors.unwrap_or_default()))
    }
}

/// What one thread can make for another process: the bit, and the file that refers to it.
fn of_thread(namespace: NamespaceKind) -> Option<(u32, &'static str)> {
    match namespace {
        NamespaceKind::Network => Some((kind::NETWORK, "/proc/thread-self/ns/net")),
        NamespaceKind::Ipc => Some((kind::IPC, "/proc/thread-self/ns/ipc")),
        NamespaceKind::Uts => Some((kind::UTS, "/proc/thread-self/ns/uts")),
        _ => None,
    }
}

/// In a thread of its own, which is in the new namespaces from then on, and ends.
fn make(what: &[(u32, &str)]) -> Result<Vec<OwnedFd>, Failure> {
    unshare(what.iter().fold(0, |bits, (bit, _)| bits | bit)).failing("make", "namespaces")?;
    let open_one = |file: &str| open(file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).failing("open", file);
    what.iter().map(|(_, file)| open_one(file)).collect()
}
