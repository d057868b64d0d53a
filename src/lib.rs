//! The addon that Node loads: the engine's verbs for a program with an event loop. No logic.
//!
//! A verb has the same name in `src/host/host.ts` and in `crates/engine/src/verbs.rs`; its request and its reply are JSON
//! (`src/host/verbs.ts`). No verb runs on the event loop's thread: a [`line`] takes questions and gives answers. Beside the verbs
//! there are processes that are begun here ([`background`]), [`archives`], and what crosses as descriptors ([`descriptors`]). Any
//! number of worker threads may load the addon.

#[path = "addon/archives.rs"]
pub mod archives;
#[path = "addon/background.rs"]
pub mod background;
#[path = "addon/descriptors.rs"]
pub mod descriptors;
#[path = "addon/line.rs"]
pub mod line;
#[path = "addon/pool.rs"]
mod pool;

use napi::{Error, Result};
use napi_derive::napi;
use rustix::io::{FdFlags, fcntl_setfd};
use std::{os::unix::process::CommandExt, process::Command};

/// Becomes the program at `path`, in this process, with our environment: execve(2). Returns only by throwing.
///
/// The program gets the standard streams and the `inherit` descriptors from 3 on: Node, at its start, marks the first 16 to
/// be closed here.
#[napi]
pub fn execve(path: String, argv: Vec<String>, inherit: u32) -> Result<()> {
    for number in 0..3_i32.saturating_add_unsigned(inherit) {
        match sys::descriptor::borrow(number) {
            Ok(descriptor) => fcntl_setfd(descriptor, FdFlags::empty()).map_err(std::io::Error::from)?,
            // One that is not open is the program's to complain about; so is a number of them beyond all reason.
            Err(_) if number < 3 => {}
            Err(_) => break,
        }
    }
    let mut words = argv.into_iter();
    let mut command = Command::new(&path);
    command.arg0(words.next().unwrap_or_default()).args(words);
    Err(Error::from(command.exec()))
}
