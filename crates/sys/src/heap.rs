//! An allocator for a process that lives for milliseconds: it takes memory from the kernel and never gives it back.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr,
};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// What is asked of the kernel at once: enough for a usual plan.
const CHUNK: usize = 256 << 10;

struct Chunk {
    next: usize,
    end: usize,
}

/// A bump allocator for a single-threaded process.
pub struct Heap(UnsafeCell<Chunk>);

// SAFETY: the programs that use it have one thread; there is nobody to share with.
unsafe impl Sync for Heap {}

impl Heap {
    #[allow(clippy::new_without_default, reason = "there is exactly one, in a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Chunk { next: 0, end: 0 }))
    }
}

// SAFETY: blocks come from fresh anonymous mappings and never overlap, since `next` only grows within a mapping; `align_up`
// respects the layout's alignment; the process has one thread, so nobody else touches the chunk meanwhile.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference to the chunk outlives a call.
        let chunk = unsafe { &mut *self.0.get() };
        let fits = |chunk: &Chunk| {
            let start = chunk.next.checked_next_multiple_of(layout.align())?;
            let end = start.checked_add(layout.size())?;
            (end <= chunk.end).then_some((start, end))
        };
        if fits(chunk).is_none() {
            let Some(size) = layout.size().checked_add(layout.align()).map(|size| size.max(CHUNK)) else {
                return ptr::null_mut();
            };
            // SAFETY: a null hint with no MAP_FIXED can't replace a mapping that is in use.
            let fresh =
                unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) };
            let Ok(start) = fresh else { return ptr::null_mut() };
            *chunk = Chunk { next: start as usize, end: start as usize + size };
        }
        match fits(chunk) {
            Some((start, end)) => {
                chunk.next = end;
                start as *mut u8
            }
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
