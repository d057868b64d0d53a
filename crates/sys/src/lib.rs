//! System calls as safe functions with the kernel's names findable. The only crate with `unsafe`.
//!
//! rustix and nix have most calls already and are used directly; here is what they lack. Without the feature `std` this is
//! what init uses: no libc, no thread-local errno. With it, the parent's side joins in.
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(unsafe_code)]

extern crate alloc;

pub mod attributes;
pub mod clock;
mod clone;
pub mod credentials;
#[cfg(not(feature = "std"))]
pub mod entry;
#[cfg(not(feature = "std"))]
pub mod heap;
pub mod keyring;
#[cfg(not(feature = "std"))]
mod memory;
pub mod mount;
pub mod namespace;
pub mod network;
#[cfg(not(feature = "std"))]
pub mod notify;
pub mod process;
pub mod seccomp;
pub mod spawn;
pub mod stream;
pub mod terminal;

#[cfg(feature = "std")]
pub mod arena;
#[cfg(feature = "std")]
pub mod bpf;
#[cfg(feature = "std")]
pub mod command;
#[cfg(feature = "std")]
pub mod descriptor;
#[cfg(feature = "std")]
pub mod pidfd;

use rustix::io;

/// The result of a raw system call as rustix has it.
fn checked(result: Result<usize, syscalls::Errno>) -> io::Result<usize> {
    result.map_err(|errno| io::Errno::from_raw_os_error(errno.into_raw()))
}
