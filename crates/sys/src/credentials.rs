//! prctl(2) calls about credentials that rustix lacks, and resource limits by number.

use crate::checked;
use rustix::io;
use syscalls::{Sysno, syscall};

const PR_CAPBSET_READ: usize = 23;
const PR_CAPBSET_DROP: usize = 24;
const PR_CAP_AMBIENT: usize = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

/// Whether capability `number` is in the bounding set; `None` when the kernel does not know it.
pub fn in_bounding_set(number: u8) -> Option<bool> {
    // SAFETY: PR_CAPBSET_READ takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_CAPBSET_READ, number as usize) }).ok().map(|set| set == 1)
}

/// Takes capability `number` out of the bounding set, for good. Fails with `EPERM` without CAP_SETPCAP.
pub fn drop_from_bounding_set(number: u8) -> io::Result<()> {
    // SAFETY: PR_CAPBSET_DROP takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_CAPBSET_DROP, number as usize) }).map(drop)
}

/// Adds capability `number`, which must be permitted and inheritable, to the ambient set.
pub fn raise_ambient(number: u8) -> io::Result<()> {
    // SAFETY: PR_CAP_AMBIENT takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number as usize, 0, 0) }).map(drop)
}

/// Empties the ambient set.
pub fn clear_ambient() -> io::Result<()> {
    // SAFETY: PR_CAP_AMBIENT takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) }).map(drop)
}

/// The name of resource `number` of setrlimit(2); empty for one that there isn't.
pub fn resource_name(number: u32) -> &'static str {
    const NAMES: [&str; 16] = [
        "RLIMIT_CPU",
        "RLIMIT_FSIZE",
        "RLIMIT_DATA",
        "RLIMIT_STACK",
        "RLIMIT_CORE",
        "RLIMIT_RSS",
        "RLIMIT_NPROC",
        "RLIMIT_NOFILE",
        "RLIMIT_MEMLOCK",
        "RLIMIT_AS",
        "RLIMIT_LOCKS",
        "RLIMIT_SIGPENDING",
        "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE",
        "RLIMIT_RTPRIO",
        "RLIMIT_RTTIME",
    ];
    NAMES.get(number as usize).copied().unwrap_or_default()
}

/// Raises the hard limit of resource `number` of process `pid` to `limit`, if it is lower: prlimit(2).
///
/// Fails with `EPERM` without CAP_SYS_RESOURCE in the first user namespace.
pub fn raise_hard_limit(pid: i32, number: u32, limit: u64) -> io::Result<()> {
    let mut limits = [0u64; 2];
    // SAFETY: the fourth argument points to a struct rlimit64 (two 64-bit words), which the kernel fills in; nothing is read.
    checked(unsafe { syscall!(Sysno::prlimit64, pid, number, 0, limits.as_mut_ptr()) })?;
    let [soft, hard] = limits;
    if hard >= limit {
        return Ok(());
    }
    let limits = [soft, limit];
    // SAFETY: the third argument points to a struct rlimit64 that outlives the call; nothing is written.
    checked(unsafe { syscall!(Sysno::prlimit64, pid, number, limits.as_ptr(), 0) }).map(drop)
}

/// Sets the limits of resource `number` of this process: prlimit(2). `u64::MAX` is no limit.
///
/// Fails with `EPERM` when `hard` is above the present one without CAP_SYS_RESOURCE, `EINVAL` when `soft` is above `hard`.
pub fn set_resource_limit(number: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limits = [soft, hard];
    // SAFETY: the third argument points to a struct rlimit64 (two 64-bit words) that outlives the call; nothing is written.
    checked(unsafe { syscall!(Sysno::prlimit64, 0, number, limits.as_ptr(), 0) }).map(drop)
}
