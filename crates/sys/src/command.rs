//! Starting programs with std's `Command` in a process that holds signals back.

use std::{os::unix::process::CommandExt, process::Command};
use syscalls::{Sysno, syscall};

const SIG_SETMASK: usize = 2;

/// Lets the program start with no signal blocked. Otherwise it inherits our mask, and few programs look at theirs.
pub fn unblock_signals(command: &mut Command) -> &mut Command {
    let start = || {
        let empty_mask = 0u64;
        // SAFETY: reads eight bytes of a mask that outlives the call.
        let result =
            unsafe { syscall!(Sysno::rt_sigprocmask, SIG_SETMASK, &raw const empty_mask, 0, size_of_val(&empty_mask)) };
        crate::checked(result)?;
        Ok(())
    };
    // SAFETY: between fork and exec, `start` makes one system call: no allocation, no lock, nothing of other threads.
    unsafe { command.pre_exec(start) }
}
