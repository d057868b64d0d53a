//! Loading a filter that notifies, and sending the descriptor of its notifications to whoever answers.
//!
//! Once it is loaded, any call of ours may be one that waits for an answer, and nobody can give one without that descriptor. So it is
//! another thread that sends it: it was there before, and has no filter. Meanwhile we wait without a call.

use crate::{
    checked,
    clone::{CloneArguments, clone3_and_run},
    process::exit,
    seccomp::{Instruction, NEW_LISTENER, load},
};
use alloc::{boxed::Box, vec};
use core::{
    hint::spin_loop,
    mem::{MaybeUninit, forget},
    ptr,
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
};
use rustix::{
    fd::{AsRawFd, BorrowedFd},
    io::{self, IoSlice, retry_on_intr},
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
    thread::sched_yield,
};
use syscalls::{Sysno, syscall};

const SECCOMP_FILTER_FLAG_TSYNC: u32 = 1;
const SECCOMP_FILTER_FLAG_TSYNC_ESRCH: u32 = 16;

/// CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM.
const THREAD: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000;
/// Of the other thread, in 16 bytes.
const STACK: usize = 2048;

/// What the two threads share, until `done`.
struct Handover<'a> {
    socket: BorrowedFd<'a>,
    message: &'a [u8],
    /// The descriptor, once it is there; [`NONE`] before, [`FAILED`] if it will not be.
    listener: AtomicI32,
    done: AtomicBool,
}

const NONE: i32 = -1;
const FAILED: i32 = -2;

/// Loads a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER as [`load`] does, and sends `message` with the descriptor over `socket` before it
/// returns. The descriptor stays open until execve(2). If it can't be sent, the process ends.
///
/// For a process with one thread, which SECCOMP_FILTER_FLAG_TSYNC asks nothing of. Fails as [`load`], and with `EAGAIN` where no
/// other task may be made.
pub fn load_and_send(
    instructions: &[Instruction],
    flags: u32,
    socket: BorrowedFd<'_>,
    message: &[u8],
) -> io::Result<()> {
    let shared = Handover { socket, message, listener: AtomicI32::new(NONE), done: AtomicBool::new(false) };
    start_thread(&shared)?;
    let flags = flags & !(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH) | NEW_LISTENER;
    let loaded = load(instructions, flags);
    let number = match &loaded {
        Ok(listener) => listener.as_ref().map_or(FAILED, AsRawFd::as_raw_fd),
        Err(_) => FAILED,
    };
    shared.listener.store(number, Ordering::Release);
    while !shared.done.load(Ordering::Acquire) {
        spin_loop();
    }
    // To close it would be a call.
    loaded.map(forget)
}

/// The other thread. It allocates nothing: the heap is the first one's.
unsafe extern "C" fn send(shared: *const Handover<'_>) -> ! {
    {
        // SAFETY: `load_and_send` keeps it until we say that we are done, which is the last that we do with it.
        let shared = unsafe { &*shared };
        let number = loop {
            match shared.listener.load(Ordering::Acquire) {
                NONE => sched_yield(),
                number => break number,
            }
        };
        if number != FAILED {
            // SAFETY: the first thread keeps it open.
            let listener = [unsafe { BorrowedFd::borrow_raw(number) }];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&listener));
            let message = [IoSlice::new(shared.message)];
            let sent = retry_on_intr(|| sendmsg(shared.socket, &message, &mut control, SendFlags::NOSIGNAL));
            if sent != Ok(shared.message.len()) {
                // Nobody would answer.
                exit(1);
            }
        }
        shared.done.store(true, Ordering::Release);
    }
    loop {
        // SAFETY: ends this thread alone; what it ran on is never freed.
        let _ = unsafe { syscall!(Sysno::exit, 0) };
    }
}

/// Starts [`send`] in a thread of this process.
fn start_thread(shared: &Handover<'_>) -> io::Result<()> {
    let stack = Box::leak(vec![0u128; STACK].into_boxed_slice());
    let arguments: CloneArguments =
        [THREAD, 0, 0, 0, 0, stack.as_mut_ptr() as u64, size_of_val(stack) as u64, 0, 0, 0, 0];
    // SAFETY: the stack is the thread's own, aligned and never freed; `send` does not return, and `load_and_send` keeps `shared` until it
    // is done with it.
    let result = unsafe { clone3_and_run(&arguments, send, ptr::from_ref(shared)) };
    checked(syscalls::Errno::from_ret(result as usize)).map(drop)
}
