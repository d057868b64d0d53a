//! clone3(2) for what shares our memory, which no library starts: a process in the manner of vfork(2), or a thread without a libc.

use syscalls::Sysno;

/// struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup.
pub type CloneArguments = [u64; 11];

/// clone3 whose child calls `run(data)` on the stack in `arguments`. Returns the pid or a negative errno.
///
/// # Safety
///
/// `arguments` must name a stack that is 16-byte aligned, large enough for `run` and not otherwise used while the child lives
/// in our memory; `run` must not return and must only make system calls; `data` must stay valid until then.
pub unsafe fn clone3_and_run<T>(
    arguments: &CloneArguments,
    run: unsafe extern "C" fn(*const T) -> !,
    data: *const T,
) -> i64 {
    let result: i64;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the system call clobbers rax, rcx, r11. The child finds `run` and `data` in registers that the call preserves,
    // and never returns into this frame.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {data}",
            "call {run}",
            "ud2",
            "2:",
            run = in(reg) run,
            data = in(reg) data,
            inlateout("rax") Sysno::clone3.id() as i64 => result,
            in("rdi") arguments.as_ptr(),
            in("rsi") size_of_val(arguments),
            out("rcx") _,
            out("r11") _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; svc clobbers x0 only.
    unsafe {
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, {data}",
            "blr {run}",
            "brk #1",
            "2:",
            run = in(reg) run,
            data = in(reg) data,
            in("x8") Sysno::clone3.id() as i64,
            inlateout("x0") arguments.as_ptr() => result,
            in("x1") size_of_val(arguments),
        );
    }
    result
}
