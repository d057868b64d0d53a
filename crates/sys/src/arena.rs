//! The allocator of a command that lives for milliseconds: memory comes from one mapping and is given back with the process.
//!
//! JavaScript allocates tens of thousands of small blocks; the ordinary allocator's bookkeeping and its growing piece by piece
//! cost more than all that JavaScript does with them. A command that turns out to live longer calls [`Arena::retire`]: from then
//! on everything comes from the ordinary allocator and can be freed.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr,
};

/// What a usual command needs, and more: what is not touched costs nothing.
const SIZE: usize = 64 << 20;

/// For a program with one thread, until it is retired.
pub struct Arena {
    start: Cell<usize>,
    next: Cell<usize>,
    end: Cell<usize>,
    retired: Cell<bool>,
}

// SAFETY: until it is retired the program has one thread; from then on no cell is written.
unsafe impl Sync for Arena {}

impl Arena {
    #[allow(clippy::new_without_default, reason = "there is exactly one, in a static")]
    pub const fn new() -> Self {
        Self { start: Cell::new(0), next: Cell::new(0), end: Cell::new(0), retired: Cell::new(false) }
    }

    /// Leaves the arena as it is; whatever is allocated from now on can be freed. Before a second thread is started.
    pub fn retire(&self) {
        self.retired.set(true);
    }

    /// The mapping, made when it is first needed; where there is none to be had, the arena retires.
    fn prepare(&self) {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a null hint with no MAP_FIXED can't replace a mapping that is in use.
        match unsafe { mmap_anonymous(ptr::null_mut(), SIZE, ProtFlags::READ | ProtFlags::WRITE, flags) } {
            Ok(start) => {
                self.start.set(start as usize);
                self.next.set(start as usize);
                self.end.set(start as usize + SIZE);
            }
            Err(_) => self.retire(),
        }
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if self.retired.get() {
            return None;
        }
        if self.start.get() == 0 {
            self.prepare();
        }
        let start = self.next.get().checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size()).filter(|end| *end <= self.end.get())?;
        self.next.set(end);
        Some(start as *mut u8)
    }

    fn contains(&self, block: *mut u8) -> bool {
        (self.start.get()..self.end.get()).contains(&(block as usize))
    }

    /// Whether the block is the one that was given out last, so that its end may still be moved.
    fn is_open(&self, block: *mut u8, size: usize) -> bool {
        !self.retired.get() && block as usize + size == self.next.get()
    }
}

// SAFETY: blocks of the arena never overlap, since `next` goes back only over the last block and only when that is freed or shrunk;
// `take` respects the alignment; every other block is the system allocator's, told apart by its address.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(block) => block,
            // SAFETY: the caller's promise about `layout` is the system allocator's.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !self.contains(block) {
            // SAFETY: it is not of the arena, so the system allocator made it, with this layout.
            unsafe { System.dealloc(block, layout) };
        } else if self.is_open(block, layout.size()) {
            self.next.set(block as usize);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.contains(block) {
            // SAFETY: it is not of the arena, so the system allocator made it, with this layout.
            return unsafe { System.realloc(block, layout, size) };
        }
        let end = (block as usize).checked_add(size).filter(|end| *end <= self.end.get());
        if let Some(end) = end.filter(|_| self.is_open(block, layout.size())) {
            self.next.set(end);
            return block;
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: `size` is not zero and does not overflow with this alignment, by the caller's promise.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks are at least as long as the old one and do not overlap.
            unsafe { ptr::copy_nonoverlapping(block, new, layout.size()) };
        }
        new
    }
}
