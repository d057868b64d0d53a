//! The seccomp filter: what the program's system calls go through.

use crate::{channel::Channel, failing::Failing};
use alloc::vec::Vec;
use rustix::io::Errno;
use sys::{
    notify::load_and_send,
    seccomp::{Instruction, NEW_LISTENER, load},
};
use wire::{
    Failure,
    frame::{self, FromInit, ToInit},
    plan::Filter,
};

/// Says that the program is next, and loads the filter, for good: all calls after this are the filter's to judge.
pub fn announce_and_load(filter: &Filter, channel: &Channel) -> Result<(), Failure> {
    const STEP: &str = "apply";
    const FIELD: &str = "linux.seccomp";
    let instructions = instructions(filter);
    if filter.flags & NEW_LISTENER == 0 {
        channel.send(&FromInit::Exec)?;
        return load(&instructions, filter.flags).map(drop).failing(STEP, FIELD);
    }
    channel.send(&FromInit::AgentWanted)?;
    channel.expect("hear that the seccomp agent is there", |message| matches!(message, ToInit::AgentReady))?;
    channel.send(&FromInit::Exec)?;
    let message = frame::encode(&FromInit::Listener).map_err(|_| Errno::MSGSIZE).failing(STEP, FIELD)?;
    load_and_send(&instructions, filter.flags, channel.socket(), &message).failing(STEP, FIELD)
}

/// The filter as the kernel has it.
pub fn instructions(filter: &Filter) -> Vec<Instruction> {
    let instruction = |&(code, jump_true, jump_false, operand)| Instruction { code, jump_true, jump_false, operand };
    filter.instructions.iter().map(instruction).collect()
}
