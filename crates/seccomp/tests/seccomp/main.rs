//! Compiled filters: what they decide, by the documentation and by libseccomp; what they look like; and in the kernel.
#![allow(clippy::unwrap_used)]

mod bpf;
mod calls;
mod decisions;
mod kernel;
#[cfg(feature = "oracle")]
mod libseccomp;
mod model;
mod profiles;
mod random;
mod tables;
