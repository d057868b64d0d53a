//! Processes: becoming a program, forking a sibling, ending, and prctl(2) calls that rustix lacks.

use crate::checked;
use alloc::vec::Vec;
use core::{
    convert::Infallible,
    ffi::{CStr, c_char},
    ptr,
};
use rustix::{
    fd::{FromRawFd, OwnedFd},
    io,
};
use syscalls::{Sysno, syscall};

const PR_SET_PDEATHSIG: usize = 1;
const PR_SET_DUMPABLE: usize = 4;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_PARENT: u64 = 0x8000;
const CLOSE_RANGE_CLOEXEC: u32 = 4;

/// Replaces this process by the program at `path`: execve(2). Returns only when that failed.
pub fn execute(path: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> io::Result<Infallible> {
    let pointers = |strings: &[&CStr]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: `path` is NUL-terminated; both arrays end with a null pointer and hold pointers to NUL-terminated strings
    // that are borrowed throughout.
    let result = unsafe { syscall!(Sysno::execve, path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    checked(result).and(Err(io::Errno::NOEXEC))
}

/// Who we are after [`fork_sibling`].
pub enum Fork {
    /// The new process's pidfd.
    Parent(OwnedFd),
    Child,
}

/// Copies this process, which has one thread, as another child of its parent: clone3(2) with CLONE_PARENT.
pub fn fork_sibling() -> io::Result<Fork> {
    fork(CLONE_PARENT)
}

/// A child in a new user namespace, which has ended already. Until it is waited for, /proc has its namespace and its id maps.
pub fn dead_child_in_user_namespace() -> io::Result<OwnedFd> {
    match fork(u64::from(crate::namespace::kind::USER))? {
        Fork::Parent(pidfd) => Ok(pidfd),
        Fork::Child => exit(0),
    }
}

fn fork(flags: u64) -> io::Result<Fork> {
    let mut pidfd = -1i32;
    // struct clone_args, version 0: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
    let arguments: [u64; 8] = [CLONE_PIDFD | flags, (&raw mut pidfd) as u64, 0, 0, 0, 0, 0, 0];
    // SAFETY: without CLONE_VM the child has its own copy of memory and goes on here, like fork(2); one thread means that no
    // lock is held elsewhere. The kernel writes one int to `pidfd`, which outlives the call.
    let pid = checked(unsafe { syscall!(Sysno::clone3, &raw const arguments, size_of_val(&arguments)) })?;
    if pid == 0 {
        return Ok(Fork::Child);
    }
    // SAFETY: clone3 with CLONE_PIDFD stored a new descriptor there; nobody else owns it.
    Ok(Fork::Parent(unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// Ends this process: exit_group(2), or by a signal where a filter refuses that.
pub fn exit(status: i32) -> ! {
    // SAFETY: exit_group takes a number and does not return, unless a filter refuses it.
    let _ = unsafe { syscall!(Sysno::exit_group, status) };
    loop {
        // SAFETY: an instruction that the processor refuses: the signal is fatal, even to process 1 of a namespace.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            core::arch::asm!("ud2", options(nomem, nostack));
            #[cfg(target_arch = "aarch64")]
            core::arch::asm!("brk #1", options(nomem, nostack));
        }
    }
}

/// The signal that the kernel sends us when the thread that made us ends; 0 for none.
pub fn set_parent_death_signal(signal: i32) -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_SET_PDEATHSIG, signal) }).map(drop)
}

/// Whether children of ours vanish when they end, without being waited for: sigaction(2) of SIGCHLD.
pub fn ignore_children(ignore: bool) -> io::Result<()> {
    const SIGCHLD: usize = 17;
    const SIG_IGN: u64 = 1;
    // struct sigaction of the kernel: handler, flags, restorer, mask.
    let action = [if ignore { SIG_IGN } else { 0 }, 0, 0, 0u64];
    // SAFETY: the kernel reads one struct sigaction, which outlives the call; no handler of ours is named in it.
    checked(unsafe { syscall!(Sysno::rt_sigaction, SIGCHLD, &raw const action, 0, size_of::<u64>()) }).map(drop)
}

/// Whether others of our user may trace us or read our /proc files; execve(2) resets it.
pub fn set_dumpable(dumpable: bool) -> io::Result<()> {
    // SAFETY: PR_SET_DUMPABLE takes numbers only.
    checked(unsafe { syscall!(Sysno::prctl, PR_SET_DUMPABLE, usize::from(dumpable)) }).map(drop)
}

/// Marks every descriptor from `first` on to be closed by execve(2): close_range(2), Linux 5.11.
pub fn close_from_on_exec(first: u32) -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC no descriptor is closed now, so nobody's ownership is broken.
    checked(unsafe { syscall!(Sysno::close_range, first, u32::MAX, CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// Takes over descriptor `number`, which the process was started with.
///
/// The number must be one that our parent set up for us and that nothing else here owns.
pub fn adopt(number: i32) -> OwnedFd {
    // SAFETY: by the contract above nobody else owns it; a number that is not open makes later calls fail with EBADF.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Our standard streams. The program that starts us gives all three (`sys::spawn`), and nothing of ours closes them.
#[cfg(not(feature = "std"))]
pub fn standard_streams() -> [rustix::fd::BorrowedFd<'static>; 3] {
    // SAFETY: they are open from the start, by the contract above, and until the end.
    unsafe { [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] }
}

/// The current directory as the kernel names it: `(unreachable)/…` when it is outside the root (getcwd(2)).
pub fn current_directory(buffer: &mut [u8; 4096]) -> io::Result<&[u8]> {
    // SAFETY: the buffer is as long as said and outlives the call.
    let length = checked(unsafe { syscall!(Sysno::getcwd, buffer.as_mut_ptr(), buffer.len()) })?;
    Ok(buffer.get(..length.saturating_sub(1)).unwrap_or_default())
}
