//! What the TypeScript side, the engine and init say to each other.
//!
//! Start with [`plan::LaunchPlan`]: TypeScript compiles a config.json into one, as JSON. The engine runs its host side
//! and sends the [`plan::InitPlan`] in it to init, as one [`frame`]. Both ends use the types of this crate, so there is
//! one definition of every step. There are no system calls here, and no knowledge of the OCI runtime-spec.
//!
//! A value is JSON towards TypeScript and postcard (<https://postcard.jamesmunns.com/wire-format>) towards init. The
//! declarations in `src/host/plan.ts` are generated from these types; a test holds them together.
#![cfg_attr(not(feature = "typescript"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod failure;
pub mod frame;
pub mod plan;

pub use failure::Failure;
