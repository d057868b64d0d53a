//! Whiteouts: entries of a layer that stand for what the layers below it have and it has not (image-spec, layer.md).

use crate::tree::{self, Tree};
use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::FileType,
    io::{self, Errno},
};
use std::collections::HashSet;

const PREFIX: &[u8] = b".wh.";
/// All that the layers below have in this directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What this layer has made so far, which its whiteouts do not mean.
#[derive(Default)]
pub struct Made(HashSet<Vec<u8>>);

impl Made {
    pub fn add(&mut self, components: &[&[u8]]) {
        // Those above were known before.
        for end in (1..=components.len()).rev() {
            if !self.0.insert(components.get(..end).unwrap_or_default().join(&b'/')) {
                break;
            }
        }
    }
}

/// Carries a whiteout out; `false` when the entry is none.
pub fn apply(tree: Tree<'_>, made: &Made, components: &[&[u8]]) -> io::Result<bool> {
    let Some((name, above)) = components.split_last() else { return Ok(false) };
    let Some(hidden) = name.strip_prefix(PREFIX) else { return Ok(false) };
    let directory = match tree.real_directory(above) {
        // There is nothing to hide.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(true),
        result => result?,
    };
    if *name == OPAQUE {
        let readable = tree::open_directory(&directory, b".")?;
        clear(readable.as_fd(), &above.join(&b'/'), made, tree::MAX_DEPTH)?;
    } else if hidden.is_empty() || hidden == b"." || hidden == b".." {
        return Err(Errno::INVAL);
    } else if !made.0.contains(&below(&above.join(&b'/'), hidden)) {
        tree::remove(&directory, hidden)?;
    }
    Ok(true)
}

/// Removes what this layer has not made.
fn clear(directory: BorrowedFd<'_>, path: &[u8], made: &Made, levels: usize) -> io::Result<()> {
    let levels = levels.checked_sub(1).ok_or(Errno::NAMETOOLONG)?;
    for (name, kind) in tree::entries(directory)? {
        let inner = below(path, &name);
        if !made.0.contains(&inner) {
            tree::remove(directory, &name)?;
        } else if kind == FileType::Directory {
            clear(tree::open_directory(directory, &name)?.as_fd(), &inner, made, levels)?;
        }
    }
    Ok(())
}

fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, name].join(&b'/') }
}
