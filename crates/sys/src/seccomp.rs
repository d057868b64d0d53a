//! seccomp(2): loading a filter.

use crate::checked;
use core::ptr;
use rustix::{
    fd::{FromRawFd, OwnedFd},
    io,
};
use syscalls::{Sysno, syscall};

pub(crate) const SECCOMP_SET_MODE_FILTER: usize = 1;
/// SECCOMP_FILTER_FLAG_NEW_LISTENER.
pub const NEW_LISTENER: u32 = 8;
/// Only allowed with a listener.
const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: u32 = 32;

/// struct sock_filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub operand: u32,
}

/// A filter for a program that is started: calls that it wants to tell a listener of fail there with `ENOSYS`.
#[derive(Clone, Copy)]
pub struct Filter<'a> {
    length: u16,
    instructions: &'a [Instruction],
    pub(crate) flags: u32,
}

impl<'a> Filter<'a> {
    /// Fails with `EINVAL` for more instructions than a filter can have.
    pub fn without_listener(instructions: &'a [Instruction], flags: u32) -> io::Result<Self> {
        let length = u16::try_from(instructions.len()).map_err(|_| io::Errno::INVAL)?;
        let flags = flags & !(NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
        Ok(Self { length, instructions, flags })
    }

    /// As the kernel takes it; good as long as the instructions are.
    pub(crate) fn program(&self) -> Program {
        Program { length: self.length, instructions: self.instructions.as_ptr() }
    }
}

/// struct sock_fprog.
#[repr(C)]
pub(crate) struct Program {
    length: u16,
    instructions: *const Instruction,
}

/// Puts a filter on the calling thread, or with SECCOMP_FILTER_FLAG_TSYNC on all threads of the process; for good.
///
/// Returns the descriptor of the notifications if `flags` have [`NEW_LISTENER`]. Fails with `EACCES` without
/// CAP_SYS_ADMIN in the process's user namespace unless no_new_privs is set, `EINVAL` for flags that the kernel doesn't have or a
/// program that it refuses, `EBUSY` if a filter has a listener already.
pub fn load(instructions: &[Instruction], flags: u32) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(instructions.len()).map_err(|_| io::Errno::INVAL)?;
    let program = Program { length, instructions: instructions.as_ptr() };
    // SAFETY: the kernel copies a struct sock_fprog and the `length` instructions that it points to, laid out as struct
    // sock_filter; both outlive the call. It writes no memory of ours.
    let result = unsafe { syscall!(Sysno::seccomp, SECCOMP_SET_MODE_FILTER, flags, ptr::from_ref(&program)) };
    let number = checked(result)?;
    if flags & NEW_LISTENER == 0 {
        // With SECCOMP_FILTER_FLAG_TSYNC, the id of a thread that can't follow.
        return if number == 0 { Ok(None) } else { Err(io::Errno::SRCH) };
    }
    let number = i32::try_from(number).map_err(|_| io::Errno::RANGE)?;
    // SAFETY: with NEW_LISTENER, success returns a new descriptor that nobody else owns.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(number) }))
}
