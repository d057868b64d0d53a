//! What a process has beside its credentials and survives execve(2): scheduling, I/O priority, execution domain, memory policy,
//! processors. rustix lacks these calls, or knows 1024 processors at most.

use crate::checked;
use alloc::vec::Vec;
use rustix::io;
use syscalls::{Sysno, syscall};

/// How a process is scheduled: sched_setattr(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduling {
    pub policy: u32,
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    /// Nanoseconds.
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
}

/// Sets how this process is scheduled.
///
/// Fails with `EPERM` without the right to that priority (CAP_SYS_NICE), or a cgroup v1 that has no realtime; `EINVAL` for a policy or
/// flag that the kernel doesn't have; `EBUSY` where the deadline can't be met.
pub fn set_scheduling(scheduling: &Scheduling) -> io::Result<()> {
    /// struct sched_attr, in its second version (Linux 5.3).
    #[repr(C)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime: u64,
        deadline: u64,
        period: u64,
        /// Utilization clamps, which no configuration has.
        clamps: [u32; 2],
    }
    let Scheduling { policy, flags, nice, priority, runtime, deadline, period } = *scheduling;
    let size = size_of::<Attributes>() as u32;
    let mut attributes = Attributes { size, policy, flags, nice, priority, runtime, deadline, period, clamps: [0, 0] };
    // SAFETY: the second argument points to a struct sched_attr that says its size and outlives the call. The kernel may write to
    // its `size`.
    checked(unsafe { syscall!(Sysno::sched_setattr, 0, core::ptr::from_mut(&mut attributes), 0) }).map(drop)
}

/// Sets the I/O priority of our process group: ioprio_set(2). Fails with `EPERM` without the right to a realtime class.
pub fn set_group_io_priority(class: u8, priority: u8) -> io::Result<()> {
    const IOPRIO_WHO_PGRP: usize = 2;
    const IOPRIO_CLASS_SHIFT: usize = 13;
    let value = usize::from(class) << IOPRIO_CLASS_SHIFT | usize::from(priority);
    // SAFETY: ioprio_set takes numbers only.
    checked(unsafe { syscall!(Sysno::ioprio_set, IOPRIO_WHO_PGRP, 0, value) }).map(drop)
}

/// Sets the execution domain: personality(2).
pub fn set_personality(domain: u32) -> io::Result<()> {
    // SAFETY: personality takes a number only.
    checked(unsafe { syscall!(Sysno::personality, domain) }).map(drop)
}

/// Sets the memory policy: set_mempolicy(2). `mode` includes the flags.
///
/// Fails with `EINVAL` for a node that is not there or not ours to use, or a mode that the kernel doesn't have; `ENOSYS` without NUMA.
pub fn set_memory_policy(mode: u32, nodes: &[u32]) -> io::Result<()> {
    let mask = bits(nodes);
    // The kernel reads one bit less than it is told.
    let length = mask.len() * usize::BITS as usize + 1;
    let (pointer, length) = if mask.is_empty() { (core::ptr::null(), 0) } else { (mask.as_ptr(), length) };
    // SAFETY: the kernel reads `length` - 1 bits, which the mask has; it outlives the call.
    checked(unsafe { syscall!(Sysno::set_mempolicy, mode, pointer, length) }).map(drop)
}

/// Sets the processors that process `pid` may run on, 0 being ourselves: sched_setaffinity(2).
///
/// Fails with `EINVAL` when none of them is there and in the process's cpuset.
pub fn set_cpu_affinity(pid: i32, cpus: &[u32]) -> io::Result<()> {
    let mask = bits(cpus);
    // SAFETY: the kernel reads as many bytes as said, which the mask has; it outlives the call.
    checked(unsafe { syscall!(Sysno::sched_setaffinity, pid, size_of_val(mask.as_slice()), mask.as_ptr()) }).map(drop)
}

/// A bit mask in words, the way the kernel has it.
fn bits(numbers: &[u32]) -> Vec<usize> {
    let mut words = Vec::new();
    for number in numbers {
        let (word, bit) = (number / usize::BITS, number % usize::BITS);
        if words.len() <= word as usize {
            words.resize(word as usize + 1, 0);
        }
        if let Some(word) = words.get_mut(word as usize) {
            *word |= 1 << bit;
        }
    }
    words
}
