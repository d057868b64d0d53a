//! The helper that becomes a container's first process, or another one in it later (exec).
//!
//! The engine starts it with one stream socket, over which it gets an [`InitPlan`]. It enters the namespaces
//! ([`namespaces`]), then runs the plan's steps in order ([`steps`]); the last one is execve(2). It reads no environment and no
//! configuration; host paths are opened in its first phase only ([`sources`]). It is the only code of ours that runs in the
//! container's namespaces: no libc, no std, no thread but that of [`sys::notify`].
//!
//! argv: a name, the number of the socket, and the number of what else it is given: the listening gate socket of a container that
//! waits for `start`, or a pidfd of the container's init for another process.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod attributes;
mod channel;
mod copy_up;
mod credentials;
mod devices;
mod diagnosis;
mod failing;
mod filesystem;
mod filter;
mod gate;
mod hooks;
mod labels;
mod mapped_ids;
mod masks;
mod mounts;
mod namespaces;
mod pivot;
mod procfs;
mod program;
mod root;
mod sources;
mod steps;
mod terminal;

use alloc::string::String;
use channel::Channel;
use core::{convert::Infallible, ffi::CStr, panic::PanicInfo};
use failing::Failing;
use rustix::{fd::OwnedFd, fs::Mode, io::Errno};
use steps::Begun;
use sys::entry::Arguments;
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::InitPlan,
};

#[global_allocator]
static HEAP: sys::heap::Heap = sys::heap::Heap::new();

/// What a bug in init exits with: EX_SOFTWARE of sysexits.h.
const PANICKED: i32 = 70;

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    sys::process::exit(PANICKED)
}

sys::entry!(main);

fn main(arguments: Arguments) -> ! {
    let Some(number) = arguments.get(1).and_then(parse) else { sys::process::exit(1) };
    let extra = arguments.get(2).and_then(parse).map(sys::process::adopt);
    let mut channel = Channel::new(sys::process::adopt(number));
    let Err(failure) = become_program(&mut channel, number, extra);
    // Whoever listens is told; when nobody does any more, the exit has to do.
    let _ = channel.send(&FromInit::Failed(failure));
    sys::process::exit(1)
}

/// Everything from the first system call to execve(2). `first_own` is the lowest descriptor that the container must not get.
fn become_program(channel: &mut Channel, first_own: i32, extra: Option<OwnedFd>) -> Result<Infallible, Failure> {
    // Until the record is on disk, a dead engine must not leave us behind, wherever we hang.
    const SIGKILL: i32 = 9;
    sys::process::set_parent_death_signal(SIGKILL).failing("die with the engine", "")?;
    // Modes in the plan are exact; the container's own umask is a step.
    rustix::process::umask(Mode::empty());
    let plan: InitPlan = match channel.receive()? {
        ToInit::Plan(plan) => plan,
        _ => return Err(Failure::new("understand the engine", "", Errno::PROTO.raw_os_error())),
    };
    let begun = match &plan.enter {
        Some(kinds) => namespaces::enter_running(&plan, kinds, extra)?,
        None => Begun { sources: namespaces::enter(&plan, channel)?, gate: extra, ..Begun::default() },
    };
    steps::run(&plan, begun, channel, first_own)
}

fn parse(text: &CStr) -> Option<i32> {
    let text: String = text.to_str().ok()?.into();
    text.parse().ok()
}
