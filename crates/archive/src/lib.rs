//! Tar archives in and out of a directory. Both sides may be hostile: the archive, and whoever else changes the directory meanwhile.
//!
//! The crate tar reads and writes the format, and no more: every name is resolved by the kernel inside the directory (openat2(2),
//! RESOLVE_IN_ROOT), and everything is made by a descriptor of what it is made in. Start with [`unpack`]; [`pack`] is its opposite.

mod budget;
mod compression;
mod failing;
mod names;
mod pack;
mod tree;
mod unpack;
mod whiteouts;

pub use pack::pack;
pub use unpack::{Rules, unpack};

#[cfg(test)]
mod tests;
