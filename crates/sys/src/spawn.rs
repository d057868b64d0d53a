//! Starting a program: the init helper, or a hook. clone3(2) in the manner of vfork(2), then execveat(2).
//!
//! Safe to call in a process with threads (Node): between clone3 and execveat the child makes system calls only, on what was
//! built before. It has a stack of its own and shares our memory until then, while the calling thread waits.

use crate::{
    clone::{CloneArguments, clone3_and_run},
    seccomp::{Filter, SECCOMP_SET_MODE_FILTER},
};
use alloc::vec::Vec;
use core::{
    cell::UnsafeCell,
    ffi::{CStr, c_char},
    ptr,
};
use rustix::{
    fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    io,
};
use syscalls::{Sysno, raw_syscall};

const CLONE_VM: u64 = 0x100;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const AT_FDCWD: i32 = -100;
const F_DUPFD_CLOEXEC: usize = 1030;
const F_SETFD: usize = 2;
const AT_EMPTY_PATH: usize = 0x1000;
const CLOSE_RANGE_CLOEXEC: usize = 4;
const SIG_SETMASK: usize = 2;
const SIGKILL: usize = 9;
const SIGPIPE: usize = 13;
/// The number of the last signal.
const SIGRTMAX: usize = 64;
const PR_SET_PDEATHSIG: usize = 1;
const SIGCHLD: u64 = 17;
const STACK: usize = 32 << 10;

/// What to start.
pub struct Spawn<'a> {
    pub program: Program<'a>,
    pub arguments: &'a [&'a CStr],
    pub environment: &'a [&'a CStr],
    /// The descriptors that become 0, 1, 2, …. All others are closed.
    pub descriptors: &'a [BorrowedFd<'a>],
    /// Start in a new PID namespace.
    pub pid_namespace: bool,
    /// Start in this cgroup (v2).
    pub cgroup: Option<BorrowedFd<'a>>,
    /// A program of somebody else's.
    pub foreign: Option<Foreign<'a>>,
}

/// How a program of somebody else's is started: in a session of its own, with the default action for every signal, and killed
/// when the thread that starts it ends.
pub struct Foreign<'a> {
    /// Where it starts; our own directory if it is not given.
    pub directory: Option<&'a CStr>,
    /// What its system calls go through, from its execve(2) on.
    pub filter: Option<Filter<'a>>,
}

/// The executable.
#[derive(Clone, Copy)]
pub enum Program<'a> {
    /// A file that nobody can change.
    Image(BorrowedFd<'a>),
    /// An absolute path.
    Path(&'a CStr),
}

/// A process that was started, a child of ours.
pub struct Spawned {
    /// In our PID namespace.
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// What the child needs, in our memory.
struct Child<'a> {
    /// The image, or -1 for a path.
    image: i32,
    path: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    /// For each number from 0 on, which descriptor it becomes; first rewritten to temporary numbers.
    descriptors: *mut i32,
    count: usize,
    foreign: bool,
    /// None: null.
    directory: *const c_char,
    filter: Option<Filter<'a>>,
    /// Our pid, which is the child's parent as long as we live.
    parent: i32,
    /// The errno of what failed. Written by the child, read by us once clone3 has returned.
    failed: UnsafeCell<i32>,
}

/// Starts it; returns when it runs or could not be run.
pub fn spawn(spawn: &Spawn<'_>) -> io::Result<Spawned> {
    let pointers = |strings: &[&CStr]| -> Vec<*const c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(spawn.arguments), pointers(spawn.environment));
    let mut descriptors: Vec<i32> = spawn.descriptors.iter().map(|descriptor| descriptor.as_raw_fd()).collect();
    let (image, path) = match spawn.program {
        Program::Image(image) => (image.as_raw_fd(), c"".as_ptr()),
        Program::Path(path) => (-1, path.as_ptr()),
    };
    let child = Child {
        image,
        path,
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        descriptors: descriptors.as_mut_ptr(),
        count: descriptors.len(),
        foreign: spawn.foreign.is_some(),
        directory: spawn.foreign.as_ref().and_then(|foreign| foreign.directory).map_or(ptr::null(), CStr::as_ptr),
        filter: spawn.foreign.as_ref().and_then(|foreign| foreign.filter),
        parent: rustix::process::getpid().as_raw_pid(),
        failed: UnsafeCell::new(0),
    };
    let mut stack = Vec::<u128>::with_capacity(STACK / size_of::<u128>());
    let mut pidfd = -1i32;
    let mut flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    if spawn.pid_namespace {
        flags |= u64::from(crate::namespace::kind::PID);
    }
    if spawn.cgroup.is_some() {
        flags |= CLONE_INTO_CGROUP;
    }
    let arguments: CloneArguments = [
        flags,
        (&raw mut pidfd) as u64,
        0,
        0,
        SIGCHLD,
        stack.as_mut_ptr() as u64,
        STACK as u64,
        0,
        0,
        0,
        spawn.cgroup.map_or(0, |cgroup| cgroup.as_raw_fd() as u64),
    ];
    // SAFETY: `arguments` is a struct clone_args of the size given. The child runs `run_child` on `stack`, which is 16-byte
    // aligned and used by nobody else; CLONE_VFORK keeps this thread, and so all that `child` points to, in place until the
    // child has left our memory by execveat or exit.
    let result = unsafe { clone3_and_run(&arguments, run_child, &raw const child) };
    let pid = i32::try_from(result).map_err(|_| io::Errno::RANGE)?;
    if pid < 0 {
        return Err(io::Errno::from_raw_os_error(-pid));
    }
    // SAFETY: clone3 with CLONE_PIDFD stored a new descriptor there; nobody else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    // SAFETY: the child is gone from our memory, so nobody writes there any more.
    match unsafe { child.failed.get().read_volatile() } {
        0 => Ok(Spawned { pid, pidfd }),
        errno => {
            let _ = rustix::process::waitid(
                rustix::process::WaitId::PidFd(pidfd.as_fd()),
                rustix::process::WaitIdOptions::EXITED,
            );
            Err(io::Errno::from_raw_os_error(errno))
        }
    }
}

/// The child between clone3 and execveat. Only system calls: no allocation, no lock, nothing thread-local.
unsafe extern "C" fn run_child(child: *const Child<'_>) -> ! {
    // SAFETY: `spawn` keeps what `child` points to in place while we are here.
    let child = unsafe { &*child };
    // SAFETY: only system calls on numbers and on memory that `child` owns.
    let errno = unsafe { become_image(child) };
    // SAFETY: the parent waits and does not look before we are gone.
    unsafe { child.failed.get().write_volatile(errno) };
    loop {
        // SAFETY: exit takes a number and does not return.
        unsafe { raw_syscall!(Sysno::exit, 127) };
    }
}

/// Arranges signals and descriptors, then becomes the image. Returns the errno of what failed.
///
/// # Safety
///
/// `child` must be what [`spawn`] built, and this the process that clone3 made.
unsafe fn become_image(child: &Child<'_>) -> i32 {
    /// Makes a system call and leaves the function when it fails.
    macro_rules! call {
        ($($argument:expr),+) => {
            // SAFETY: see each use.
            match unsafe { raw_syscall!($($argument),+) } as isize {
                result if result < 0 => return -result as i32,
                result => result as i32,
            }
        };
    }

    // The container starts with no signal blocked; SIGPIPE, which our hosts ignore, is as usual again.
    let default_action = [0u64; 4];
    call!(Sysno::rt_sigaction, SIGPIPE, &raw const default_action, 0, size_of::<u64>());
    if child.foreign {
        for signal in 1..=SIGRTMAX {
            // SAFETY: reads the action, which outlives the call. Two signals have no other action, and say so.
            unsafe { raw_syscall!(Sysno::rt_sigaction, signal, &raw const default_action, 0, size_of::<u64>()) };
        }
        call!(Sysno::setsid);
        call!(Sysno::prctl, PR_SET_PDEATHSIG, SIGKILL);
        // Whoever was killed before that will not be missed.
        if call!(Sysno::getppid) != child.parent {
            return io::Errno::SRCH.raw_os_error();
        }
        if !child.directory.is_null() {
            call!(Sysno::chdir, child.directory);
        }
    }
    let empty_mask = 0u64;
    call!(Sysno::rt_sigprocmask, SIG_SETMASK, &raw const empty_mask, 0, size_of::<u64>());

    // First move all out of the way of the numbers to be given, then to those numbers.
    let image = match child.image {
        -1 => AT_FDCWD,
        image => call!(Sysno::fcntl, image, F_DUPFD_CLOEXEC, child.count),
    };
    for number in 0..child.count {
        // SAFETY: `descriptors` has `count` elements, and is ours while the parent waits.
        let slot = unsafe { &mut *child.descriptors.add(number) };
        if *slot as usize != number {
            *slot = call!(Sysno::fcntl, *slot, F_DUPFD_CLOEXEC, child.count);
        }
    }
    for number in 0..child.count {
        // SAFETY: as above.
        let from = unsafe { *child.descriptors.add(number) };
        if from as usize == number {
            call!(Sysno::fcntl, from, F_SETFD, 0);
        } else {
            call!(Sysno::dup3, from, number, 0);
        }
    }
    call!(Sysno::close_range, child.count, u32::MAX, CLOSE_RANGE_CLOEXEC);
    if let Some(filter) = &child.filter {
        let program = filter.program();
        call!(Sysno::seccomp, SECCOMP_SET_MODE_FILTER, filter.flags, &raw const program);
    }
    let flags = if child.image == -1 { 0 } else { AT_EMPTY_PATH };
    call!(Sysno::execveat, image, child.path, child.arguments, child.environment, flags);
    0
}
