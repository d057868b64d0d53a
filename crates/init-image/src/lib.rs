//! The init helper as bytes: built by this crate's build.rs, embedded in both hosts.
#![no_std]
#![forbid(unsafe_code)]

/// A static ELF executable, `crates/init`.
pub static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/init"));
