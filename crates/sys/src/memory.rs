//! memcpy(3) and its relatives, which compiled code calls and no libc provides here. Small rather than fast: init moves kilobytes.

#[cfg(target_arch = "x86_64")]
use core::arch::asm;

/// # Safety
///
/// As C's memcpy: `count` bytes at `from` are readable, at `to` writable, and the two do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's promise is what a forward copy needs.
    unsafe { copy_forward(to, from, count) };
    to
}

/// # Safety
///
/// As C's memmove: `count` bytes at `from` are readable, at `to` writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: no byte of `from` that is still to be read lies in what has been written.
        unsafe { copy_forward(to, from, count) };
    } else {
        let mut left = count;
        while left > 0 {
            left -= 1;
            // SAFETY: `left` is below `count`. Volatile, or the compiler makes this loop a call of memmove.
            unsafe { to.add(left).write_volatile(from.add(left).read_volatile()) };
        }
    }
    to
}

/// # Safety
///
/// As C's memset: `count` bytes at `to` are writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: stosb writes `count` bytes from `to` on; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") value as u8, options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    for index in 0..count {
        // SAFETY: `index` is below `count`. Volatile, or the compiler makes this loop a call of memset.
        unsafe { to.add(index).write_volatile(value as u8) };
    }
    to
}

/// # Safety
///
/// As C's memcmp: `count` bytes at both are readable.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    for index in 0..count {
        // SAFETY: `index` is below `count`. Volatile, or the compiler makes this loop a call of memcmp.
        let (one, other) = unsafe { (one.add(index).read_volatile(), other.add(index).read_volatile()) };
        if one != other {
            return i32::from(one) - i32::from(other);
        }
    }
    0
}

/// # Safety
///
/// As [`memcmp`], whose result any non-zero value may replace.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: the same promise.
    unsafe { memcmp(one, other, count) }
}

/// # Safety
///
/// As C's strlen: `text` is NUL-terminated.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut length = 0;
    // SAFETY: the terminator has not been passed yet. Volatile, or the compiler makes this loop a call of strlen.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    length
}

/// # Safety
///
/// `count` bytes at `from` are readable, at `to` writable, and `to` is not inside what is still to be read.
unsafe fn copy_forward(to: *mut u8, from: *const u8, count: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: movsb copies `count` bytes upwards; the direction flag is clear by the ABI.
    unsafe {
        asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    for index in 0..count {
        // SAFETY: `index` is below `count`. Volatile, or the compiler makes this loop a call of memcpy.
        unsafe { to.add(index).write_volatile(from.add(index).read_volatile()) };
    }
}
