//! The time since boot, for measuring: clock_gettime(2).

use core::time::Duration;
use syscalls::{Sysno, syscall};

const CLOCK_MONOTONIC: usize = 1;

/// The time of a clock that nobody sets.
pub fn now() -> Duration {
    // struct timespec: seconds, nanoseconds.
    let mut time = [0u64; 2];
    // SAFETY: the kernel writes one struct timespec to `time`, which outlives the call. It fails for no such clock only.
    let _ = unsafe { syscall!(Sysno::clock_gettime, CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time[0], u32::try_from(time[1]).unwrap_or(0))
}
