//! The allocator of a command that lives for milliseconds: memory comes from one mapping and is given back with the process.
//!
//! JavaScript allocates tens of thousands of small blocks; the ordinary allocator's bookkeeping and its growing piece by piece
//! cost more than all that JavaScript does with them. A command that turns out to live longer calls [`Arena::retire`]: from then
//! on everything comes from the ordinary allocator and can be freed.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::UnsafeCell,
    ptr,
};

/// What a usual command needs, and more: what is not touched costs nothing.
const SIZE: usize = 64 << 20;

struct Region {
    start: usize,
    next: usize,
    end: usize,
    retired: bool,
}

/// For a program with one thread.
pub struct Arena(UnsafeCell<Region>);

// SAFETY: the program that uses it has one thread; there is nobody to share with.
unsafe impl Sync for Arena {}

impl Arena {
    #[allow(clippy::new_without_default, reason = "there is exactly one, in a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Region { start: 0, next: 0, end: 0, retired: false }))
    }

    /// Leaves the arena as it is; whatever is allocated from now on can be freed.
    pub fn retire(&self) {
        // SAFETY: one thread, and no reference to the region outlives a call.
        unsafe { (*self.0.get()).retired = true };
    }
}

impl Region {
    /// The mapping, made when it is first needed. Empty where there is none to be had.
    fn prepare(&mut self) {
        if self.start != 0 || self.retired {
            return;
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a null hint with no MAP_FIXED can't replace a mapping that is in use.
        match unsafe { mmap_anonymous(ptr::null_mut(), SIZE, ProtFlags::READ | ProtFlags::WRITE, flags) } {
            Ok(start) => {
                self.start = start as usize;
                self.next = self.start;
                self.end = self.start + SIZE;
            }
            Err(_) => self.retired = true,
        }
    }

    fn take(&mut self, layout: Layout) -> Option<*mut u8> {
        self.prepare();
        if self.retired {
            return None;
        }
        let start = self.next.checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size()).filter(|end| *end <= self.end)?;
        self.next = end;
        Some(start as *mut u8)
    }

    fn contains(&self, block: *mut u8) -> bool {
        (self.start..self.end).contains(&(block as usize))
    }

    /// Whether the block is the one that was given out last.
    fn is_last(&self, block: *mut u8, size: usize) -> bool {
        block as usize + size == self.next
    }
}

// SAFETY: blocks of the region never overlap, since `next` goes back only over the last block and only when that is freed or
// shrunk; `take` respects the alignment; every other block is the system allocator's, told apart by its address. One thread.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference to the region outlives a call.
        let region = unsafe { &mut *self.0.get() };
        match region.take(layout) {
            Some(block) => block,
            // SAFETY: the caller's promise about `layout` is the system allocator's.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        let region = unsafe { &mut *self.0.get() };
        if !region.contains(block) {
            // SAFETY: it is not of the region, so the system allocator made it, with this layout.
            unsafe { System.dealloc(block, layout) };
        } else if region.is_last(block, layout.size()) {
            region.next = block as usize;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let region = unsafe { &mut *self.0.get() };
        if !region.contains(block) {
            // SAFETY: it is not of the region, so the system allocator made it, with this layout.
            return unsafe { System.realloc(block, layout, size) };
        }
        let grown = (block as usize).checked_add(size).filter(|end| *end <= region.end);
        if let Some(end) = grown.filter(|_| !region.retired && region.is_last(block, layout.size())) {
            region.next = end;
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
