//! The hooks that run in the container's namespaces, and the pause for those that run on the host.

use crate::{channel::Channel, failing::Failing, filter};
use alloc::format;
use hook::{Hooks, Output};
use sys::seccomp::Filter;
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::InitHooks,
};

/// Waits while the engine runs its hooks.
pub fn wait_for_host(channel: &Channel) -> Result<(), Failure> {
    channel.send(&FromInit::Mounted)?;
    channel.expect("hear that the hooks have run", |message| matches!(message, ToInit::HooksRun))
}

/// Runs hooks of one kind in our working directory, under the filter if there is one.
pub fn run(
    kind: &str,
    InitHooks { hooks, state, .. }: &InitHooks,
    output: &Output,
    filter: Option<&wire::plan::Filter>,
) -> Result<(), Failure> {
    // Seen from here, as the runtime-spec has it.
    let pid = rustix::process::getpid().as_raw_pid();
    let members = state.strip_prefix('{').unwrap_or_default();
    let state = format!("{{\"pid\":{pid},{members}");
    let instructions = filter.map(filter::instructions).unwrap_or_default();
    let filter = filter
        .map(|filter| Filter::without_listener(&instructions, filter.flags))
        .transpose()
        .failing("apply", "linux.seccomp")?;
    Hooks { kind, hooks, state: &state, directory: None, output, filter }.run()
}
