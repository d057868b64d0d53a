//! The allocator of a command that lives for milliseconds, and its memory: a room in the program's own file, then a mapping.
//!
//! JavaScript allocates tens of thousands of small blocks; the ordinary allocator's bookkeeping and its growing piece by piece
//! cost more than all that JavaScript does with them. Here memory is only given out, and given back with the process. A command
//! that turns out to live longer calls [`Arena::retire`]: from then on everything comes from the ordinary allocator and can be freed.
//!
//! The room makes a start cheap. It is a section of the program, at an address that the linker chose, and whatever has been
//! allocated in it can be written back into the program's file: [`Arena::image`], by the build. The next process then finds all of it
//! as it was, and with it the value that was left by [`Arena::keep`]. That works for everything that points only into the room
//! and into the program, which must not be position-independent; nothing in it may depend on the process that made it.

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::{Cell, UnsafeCell},
    marker::PhantomData,
    ops::Range,
    ptr, slice,
};

/// How much the program's file has room for, in bytes.
const ROOM: usize = 1152 << 10;

/// What a usual command needs, and more: what is not touched costs nothing.
const MAPPING: usize = 64 << 20;

/// The room, as it is in the program's file. By the mark the build finds it there.
#[repr(C, align(4096))]
struct Room {
    mark: [u8; 16],
    /// The length of the image that it holds, this head included; 0 without one.
    used: Cell<usize>,
    /// The value of [`Arena::keep`].
    kept: Cell<*const ()>,
    rest: UnsafeCell<[u8; ROOM - 32]>,
}

// SAFETY: as for the arena, of which it is a part.
unsafe impl Sync for Room {}

#[unsafe(link_section = ".arena")]
static THE_ROOM: Room = Room {
    mark: *b"gantry's arena:\n",
    used: Cell::new(0),
    kept: Cell::new(ptr::null()),
    rest: UnsafeCell::new([0; ROOM - 32]),
};

/// How large a freed block must be to be given out again, in bytes, and how many of them are remembered. QuickJS has small ones
/// in blocks of its own; of the large ones, those that its tables have outgrown would be an eighth of the image.
const HOLE: usize = 2048;
const HOLES: usize = 16;
/// The smallest block that is put into a hole, in bytes.
const LOOK: usize = 512;

/// For a program with one thread, until it is retired; there is one in a program. `T` is what can be kept in it.
pub struct Arena<T> {
    next: Cell<usize>,
    end: Cell<usize>,
    /// What is given out from once the room is full.
    mapping: Cell<(usize, usize)>,
    /// What is left of large blocks that were freed: start and end of each.
    holes: [Cell<(usize, usize)>; HOLES],
    retired: Cell<bool>,
    kept: PhantomData<fn() -> T>,
}

// SAFETY: until it is retired the program has one thread; from then on no cell is written.
unsafe impl<T> Sync for Arena<T> {}

impl<T: 'static> Arena<T> {
    #[allow(clippy::new_without_default, reason = "there is exactly one, in a static")]
    pub const fn new() -> Self {
        Self {
            next: Cell::new(0),
            end: Cell::new(0),
            mapping: Cell::new((0, 0)),
            holes: [const { Cell::new((0, 0)) }; HOLES],
            retired: Cell::new(false),
            kept: PhantomData,
        }
    }

    /// Leaves the arena as it is; whatever is allocated from now on can be freed. Before a second thread is started.
    pub fn retire(&self) {
        self.retired.set(true);
    }

    /// Leaves a value for [`Arena::kept`].
    pub fn keep(&self, value: T) -> &'static T {
        let value: &'static T = Box::leak(Box::new(value));
        THE_ROOM.kept.set(ptr::from_ref(value).cast());
        value
    }

    /// What the process that the program's image is of has kept; nothing without an image.
    pub fn kept(&self) -> Option<&'static T> {
        let value = THE_ROOM.kept.get().cast::<T>();
        // SAFETY: null, or set by `keep`, here or in the process that the image was made of: this very program, with the room, and
        // thus the value and all that it points to, in the same place. `T` is the same since a program has one arena.
        unsafe { value.as_ref() }
    }

    /// All that has been allocated so far, for the program's file; nothing if the room was too small.
    pub fn image(&self) -> Option<&'static [u8]> {
        let used = self.next.get().checked_sub(room().start).filter(|used| *used <= ROOM)?;
        THE_ROOM.used.set(used);
        self.holes.iter().for_each(|hole| hole.set((0, 0)));
        // SAFETY: `used` bytes of the room, which is never freed. Nothing is written while the caller, the only thread, reads them;
        // what it allocates lies behind them.
        Some(unsafe { slice::from_raw_parts(ptr::from_ref(&THE_ROOM).cast(), used) })
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if self.retired.get() {
            return None;
        }
        if self.next.get() == 0 {
            let Range { start, end } = room();
            let head = size_of_val(&THE_ROOM) - size_of_val(&THE_ROOM.rest);
            self.next.set(start + THE_ROOM.used.get().max(head));
            self.end.set(end);
        }
        // Looking for a hole costs more than a small block.
        let hole = if layout.size() >= LOOK { self.fill_hole(layout) } else { None };
        hole.or_else(|| self.take_here(layout)).or_else(|| {
            self.map();
            self.take_here(layout)
        })
    }

    fn fill_hole(&self, layout: Layout) -> Option<*mut u8> {
        self.holes.iter().find_map(|hole| {
            let start = hole.get().0.checked_next_multiple_of(layout.align())?;
            let end = start.checked_add(layout.size()).filter(|end| *end <= hole.get().1)?;
            hole.set((end, hole.get().1));
            Some(start as *mut u8)
        })
    }

    /// Remembers a freed block in place of the smallest hole.
    fn leave_hole(&self, start: usize, end: usize) {
        let length = |hole: &Cell<(usize, usize)>| hole.get().1 - hole.get().0;
        if let Some(smallest) = self.holes.iter().min_by_key(|hole| length(hole))
            && end - start > length(smallest)
        {
            smallest.set((start, end));
        }
    }

    fn take_here(&self, layout: Layout) -> Option<*mut u8> {
        let start = self.next.get().checked_next_multiple_of(layout.align())?;
        let end = start.checked_add(layout.size()).filter(|end| *end <= self.end.get())?;
        self.next.set(end);
        Some(start as *mut u8)
    }

    /// Goes on in the mapping, which is made once; where there is none to be had, or it is full, the arena retires.
    fn map(&self) {
        if self.mapping.get() != (0, 0) {
            return self.retire();
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a null hint with no MAP_FIXED can't replace a mapping that is in use.
        match unsafe { mmap_anonymous(ptr::null_mut(), MAPPING, ProtFlags::READ | ProtFlags::WRITE, flags) } {
            Ok(start) => {
                let (start, end) = (start as usize, start as usize + MAPPING);
                self.mapping.set((start, end));
                self.next.set(start);
                self.end.set(end);
            }
            Err(_) => self.retire(),
        }
    }

    fn contains(&self, block: *mut u8) -> bool {
        let (start, end) = self.mapping.get();
        room().contains(&(block as usize)) || (start..end).contains(&(block as usize))
    }

    /// Whether the block is the one that was given out last, so that its end may still be moved.
    fn is_open(&self, block: *mut u8, size: usize) -> bool {
        !self.retired.get() && block as usize + size == self.next.get()
    }
}

/// Where the room is.
fn room() -> Range<usize> {
    let start = ptr::from_ref(&THE_ROOM) as usize;
    start..start + ROOM
}

// SAFETY: blocks of the arena never overlap, since `next` goes back only over the last block and only when that is freed or shrunk, and
// a hole is a block that was freed, or what is behind the blocks that were given out of it;
// `take` respects the alignment; every other block is the system allocator's, told apart by its address.
unsafe impl<T: 'static> GlobalAlloc for Arena<T> {
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
        } else if layout.size() >= HOLE && !self.retired.get() {
            self.leave_hole(block as usize, block as usize + layout.size());
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
            // SAFETY: the caller gives the block up.
            unsafe { self.dealloc(block, layout) };
        }
        new
    }
}

#[cfg(test)]
#[path = "arena_tests.rs"]
mod tests;
