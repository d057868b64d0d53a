//! The seccomp filter: what the program's system calls go through.

use crate::failing::Failing;
use alloc::vec::Vec;
use sys::seccomp::{Instruction, load as load_instructions};
use wire::{Failure, plan::Filter};

/// Loads the filter, for good. All calls after this one are the filter's to judge.
pub fn load(filter: &Filter) -> Result<(), Failure> {
    load_instructions(&instructions(filter), filter.flags).map(drop).failing("apply", "linux.seccomp")
}

/// The filter as the kernel has it.
pub fn instructions(filter: &Filter) -> Vec<Instruction> {
    let instruction = |&(code, jump_true, jump_false, operand)| Instruction { code, jump_true, jump_false, operand };
    filter.instructions.iter().map(instruction).collect()
}
