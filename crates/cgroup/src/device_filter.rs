//! Device rules as a program of the type BPF_PROG_TYPE_CGROUP_DEVICE.
//!
//! The kernel runs it for each access with struct bpf_cgroup_dev_ctx: the kind of device in the low half and the wanted
//! access in the high half of the first word, then major and minor; it allows what returns 1. The program goes through the
//! rules from the last to the first and keeps the access that no rule has decided yet: a matching `deny` of any of it ends
//! with no, and when `allow`s have taken all of it away the answer is yes.

use crate::device::{Access, Kind, Rule};
use sys::bpf::Instruction;

// Registers. The context comes in R1; R0 is the answer.
const R0: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const WANTED: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const DENIED: u8 = 6;

// Operations: class, source and mode of the instruction set (RFC 9669). All work on 32 bits.
const LOAD: u8 = 0x61;
const MOVE: u8 = 0xb4;
const MOVE_REGISTER: u8 = 0xbc;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const JUMP_IF_EQUAL: u8 = 0x16;
const JUMP_IF_NOT_EQUAL: u8 = 0x56;
const EXIT: u8 = 0x95;

/// How many rules are jumped over at once. A rule has ten instructions at most, and a jump goes over 32767.
const GROUP: usize = 1000;

/// BPF_DEVCG_DEV_BLOCK and BPF_DEVCG_DEV_CHAR.
fn number_of(kind: Kind) -> u32 {
    match kind {
        Kind::Block => 1,
        Kind::Char => 2,
    }
}

/// The program for `rules`, of which the last match decides.
pub fn program(rules: &[Rule]) -> Vec<Instruction> {
    let mut program = vec![
        load(KIND, 0),
        register(MOVE_REGISTER, WANTED, KIND),
        immediate(AND, KIND, 0xffff),
        immediate(SHIFT_RIGHT, WANTED, 16),
        load(MAJOR, 4),
        load(MINOR, 8),
    ];
    let last_first: Vec<&Rule> = rules.iter().rev().collect();
    // Rules for one kind of device in a row ask for it once: the verifier's time grows with the branches, and it is part of every
    // start of a container.
    for group in last_first.chunk_by(|one, other| one.kind == other.kind).flat_map(|group| group.chunks(GROUP)) {
        let mut body = Vec::new();
        for rule in group {
            body.extend(block(rule));
            // What decides all that is left is the last: the verifier refuses instructions that can't be reached.
            if rule.is_total() {
                program.extend(body);
                return program;
            }
            if (Rule { kind: None, ..**rule }).is_total() {
                break;
            }
        }
        if let Some(kind) = group.first().and_then(|rule| rule.kind) {
            let mut condition = immediate(JUMP_IF_NOT_EQUAL, KIND, number_of(kind));
            condition.offset = body.len() as i16;
            program.push(condition);
        }
        program.extend(body);
    }
    program.extend(answer(false));
    program
}

/// One rule for a kind of device that is known to match: conditions that jump behind it, then its effect.
fn block(rule: &Rule) -> Vec<Instruction> {
    let conditions = [(MAJOR, rule.major), (MINOR, rule.minor)];
    let mut block: Vec<Instruction> = conditions
        .into_iter()
        .filter_map(|(left, right)| right.map(|right| immediate(JUMP_IF_NOT_EQUAL, left, right)))
        .collect();
    let access = u32::from(rule.access.bits());
    if rule.allow && rule.access == Access::ALL {
        // Nothing is left to be decided.
    } else if rule.allow {
        block.push(immediate(AND, WANTED, !access));
        block.push(immediate(JUMP_IF_NOT_EQUAL, WANTED, 0));
    } else if rule.access != Access::ALL {
        block.push(register(MOVE_REGISTER, DENIED, WANTED));
        block.push(immediate(AND, DENIED, access));
        block.push(immediate(JUMP_IF_EQUAL, DENIED, 0));
    }
    block.extend(answer(rule.allow));
    let length = block.len();
    for (index, instruction) in block.iter_mut().enumerate() {
        if matches!(instruction.code, JUMP_IF_EQUAL | JUMP_IF_NOT_EQUAL) {
            // Relative to the next instruction; a block has ten at most.
            instruction.offset = (length - index - 1) as i16;
        }
    }
    block
}

fn answer(allow: bool) -> [Instruction; 2] {
    [immediate(MOVE, R0, u32::from(allow)), immediate(EXIT, R0, 0)]
}

fn load(into: u8, offset: i16) -> Instruction {
    Instruction { code: LOAD, registers: into | CONTEXT << 4, offset, immediate: 0 }
}

fn register(code: u8, left: u8, right: u8) -> Instruction {
    Instruction { code, registers: left | right << 4, offset: 0, immediate: 0 }
}

fn immediate(code: u8, left: u8, right: u32) -> Instruction {
    Instruction { code, registers: left, offset: 0, immediate: right.cast_signed() }
}

#[cfg(test)]
#[path = "device_filter_tests.rs"]
mod tests;
