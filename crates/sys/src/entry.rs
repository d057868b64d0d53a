//! The entry point of a program without libc: `_start` hands the kernel's initial stack to a Rust function.

use core::ffi::{CStr, c_char};

/// The arguments that execve(2) was given.
#[derive(Clone, Copy)]
pub struct Arguments {
    count: usize,
    vector: *const *const c_char,
}

impl Arguments {
    /// # Safety
    ///
    /// `stack` is the stack pointer at process entry: a word argc, then argc pointers to NUL-terminated strings.
    pub unsafe fn from_stack(stack: *const usize) -> Self {
        // SAFETY: the caller says that this is the initial stack, whose layout the ABI fixes; it lives as long as the process.
        unsafe { Self { count: *stack, vector: stack.add(1).cast() } }
    }

    /// The argument at `index`, if there is one.
    pub fn get(self, index: usize) -> Option<&'static CStr> {
        if index >= self.count {
            return None;
        }
        // SAFETY: `index` is below argc, so the kernel put a pointer to a NUL-terminated string there; nobody changes it.
        Some(unsafe { CStr::from_ptr(*self.vector.add(index)) })
    }
}

/// Defines `_start`, which calls `$main(Arguments) -> !`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn gantry_entry(stack: *const usize) -> ! {
            let main: fn($crate::entry::Arguments) -> ! = $main;
            // SAFETY: only `_start` calls this, with the stack pointer that the kernel gave it.
            main(unsafe { $crate::entry::Arguments::from_stack(stack) })
        }

        // The kernel enters with the arguments on the stack; the ABI wants the stack 16-byte aligned at a call.
        #[cfg(target_arch = "x86_64")]
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "xor ebp, ebp",
            "mov rdi, rsp",
            "and rsp, -16",
            "call gantry_entry",
            "ud2",
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::global_asm!(".globl _start", "_start:", "mov x29, xzr", "mov x0, sp", "bl gantry_entry", "brk #1");
    };
}
