#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn blocks_never_overlap_and_large_ones_are_given_out_again() {
    let arena = Arena::<()>::new();
    let mut blocks: Vec<(*mut u8, Layout, u8)> = Vec::new();
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let check = |&(block, layout, mark): &(*mut u8, Layout, u8)| {
        // SAFETY: the block is ours, and all of it was written.
        let bytes = unsafe { slice::from_raw_parts(block, layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == mark), "a block of {} bytes was written by another", layout.size());
    };
    for round in 0..20_000 {
        let mark = round as u8;
        match next(3) {
            0 if !blocks.is_empty() => {
                let block = blocks.swap_remove(next(blocks.len()));
                check(&block);
                // SAFETY: from this arena, with this layout, and forgotten now.
                unsafe { arena.dealloc(block.0, block.1) };
            }
            1 if !blocks.is_empty() => {
                let at = next(blocks.len());
                let (block, layout, _) = blocks[at];
                check(&blocks[at]);
                let size = 1 + next(6000);
                // SAFETY: from this arena, with this layout; the new block has this size.
                let new = unsafe { arena.realloc(block, layout, size) };
                // SAFETY: as above.
                unsafe { ptr::write_bytes(new, mark, size) };
                blocks[at] = (new, Layout::from_size_align(size, layout.align()).unwrap(), mark);
            }
            _ => {
                let layout = Layout::from_size_align(1 + next(6000), 1 << next(5)).unwrap();
                // SAFETY: the layout has a size.
                let block = unsafe { arena.alloc(layout) };
                assert_eq!(block as usize % layout.align(), 0);
                // SAFETY: the new block has this size.
                unsafe { ptr::write_bytes(block, mark, layout.size()) };
                blocks.push((block, layout, mark));
            }
        }
    }
    blocks.iter().for_each(check);
    let large = Layout::from_size_align(3 * HOLE, 8).unwrap();
    // SAFETY: the layouts have sizes, and each block goes back with its own.
    unsafe {
        let block = arena.alloc(large);
        arena.alloc(Layout::new::<u64>());
        arena.dealloc(block, large);
        assert_eq!(arena.alloc(large), block);
    }
}
