//! Loading a filter that notifies, and sending the descriptor of its notifications to whoever answers.
//!
//! Once it is loaded, any call of ours may be one that waits for an answer, and nobody can give one without that descriptor. So it is
//! another thread that sends it: it was there before, and has no filter. Meanwhile we wait without a call.

use crate::{
    checked,
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
extern "C" fn send(shared: *const Handover<'_>) -> ! {
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

/// Starts [`send`] in a thread of this process: clone3(2).
fn start_thread(shared: &Handover<'_>) -> io::Result<()> {
    let stack = Box::leak(vec![0u128; STACK].into_boxed_slice());
    // struct clone_args, version 0: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
    let arguments: [u64; 8] = [THREAD, 0, 0, 0, 0, stack.as_mut_ptr() as u64, size_of_val(stack) as u64, 0];
    let result: isize;
    // SAFETY: the thread starts here with a stack of its own that is never freed, aligned as a call wants it, and goes to `send`, which
    // does not return. It gets a pointer that `load_and_send` keeps alive. We go on behind it; the call changes only the registers named.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") Sysno::clone3 as isize => result,
            in("rdi") &raw const arguments,
            in("rsi") size_of_val(&arguments),
            in("r12") ptr::from_ref(shared),
            in("r13") send as extern "C" fn(*const Handover<'_>) -> !,
            out("rcx") _,
            out("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x20",
            "blr x21",
            "brk #1",
            "2:",
            inlateout("x0") &raw const arguments => result,
            in("x1") size_of_val(&arguments),
            in("x8") Sysno::clone3 as isize,
            in("x20") ptr::from_ref(shared),
            in("x21") send as extern "C" fn(*const Handover<'_>) -> !,
        );
    }
    checked(syscalls::Errno::from_ret(result as usize)).map(drop)
}
