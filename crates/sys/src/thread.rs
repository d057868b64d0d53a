//! One system call beside the others: a thread that makes it, and a way to wait for its result.

use alloc::boxed::Box;
use core::{
    cell::UnsafeCell,
    ffi::CStr,
    sync::atomic::{AtomicU32, Ordering},
};
use rustix::{
    io::{self, Errno},
    thread::futex,
};
use syscalls::{Sysno, raw_syscall};

const CLONE_VM: u64 = 0x100;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;
const MNT_DETACH: usize = 2;
/// In 16-byte units: the thread makes two system calls.
const STACK: usize = 512;

/// What the thread works on: not moved while it lives.
struct Work {
    /// The thread's id while it lives; the kernel clears it at its end.
    alive: AtomicU32,
    path: &'static CStr,
    result: UnsafeCell<isize>,
    stack: [u128; STACK],
}

/// An unmounting under way.
pub struct Unmounting(Box<Work>);

/// Unmounts `path`, lazily (MNT_DETACH of umount(2)), in a thread of its own, which keeps the present working directory.
///
/// What is mounted there is out of the way almost at once; the kernel then waits for an RCU grace period, the better part of a
/// millisecond, and that is what the caller need not wait for. The caller must be the process's only other thread.
pub fn unmount_aside(path: &'static CStr) -> io::Result<Unmounting> {
    let mut work = Box::new(Work { alive: AtomicU32::new(1), path, result: UnsafeCell::new(0), stack: [0; STACK] });
    let alive = work.alive.as_ptr() as u64;
    // struct clone_args, version 0: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
    let flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    let stack = work.stack.as_mut_ptr() as u64;
    let arguments: [u64; 8] = [flags, 0, alive, 0, 0, stack, size_of_val(&work.stack) as u64, 0];
    // SAFETY: `arguments` is a struct clone_args of the size given. The thread runs `run` on a stack of its own, on `work`, which
    // stays where it is until `Unmounting` is waited for or dropped, and both wait for the thread's end.
    let result = unsafe { crate::clone::clone3_and_run(&arguments, run, (&raw const *work).cast()) };
    match usize::try_from(result) {
        Ok(_) => Ok(Unmounting(work)),
        Err(_) => Err(Errno::from_raw_os_error(i32::try_from(-result).unwrap_or(0))),
    }
}

impl Unmounting {
    /// Whether the thread has ended.
    pub fn is_over(&self) -> bool {
        self.0.alive.load(Ordering::Acquire) == 0
    }

    /// Waits for the thread's end, and gives what the system call gave.
    pub fn wait(self) -> io::Result<()> {
        self.join();
        // SAFETY: the thread is gone; nobody else writes there.
        let result = unsafe { self.0.result.get().read_volatile() };
        match i32::try_from(-result) {
            Ok(errno) if errno > 0 => Err(Errno::from_raw_os_error(errno)),
            _ => Ok(()),
        }
    }

    fn join(&self) {
        loop {
            match self.0.alive.load(Ordering::Acquire) {
                0 => return,
                alive => {
                    // The kernel wakes it without FUTEX_PRIVATE_FLAG. Woken early or not, the number decides.
                    let _ = futex::wait(&self.0.alive, futex::Flags::empty(), alive, None);
                }
            }
        }
    }
}

impl Drop for Unmounting {
    fn drop(&mut self) {
        self.join();
    }
}

/// The thread: system calls only.
unsafe extern "C" fn run(work: *const core::ffi::c_void) -> ! {
    // SAFETY: `unmount_aside` passes its work, which outlives the thread.
    let work = unsafe { &*work.cast::<Work>() };
    // SAFETY: umount2 reads a NUL-terminated string that lives for ever.
    let result = unsafe { raw_syscall!(Sysno::umount2, work.path.as_ptr(), MNT_DETACH) };
    // SAFETY: the other thread reads it only after our end.
    unsafe { work.result.get().write_volatile(result as isize) };
    loop {
        // SAFETY: exit ends this thread only, and does not return.
        unsafe { raw_syscall!(Sysno::exit, 0) };
    }
}
