//! Classic BPF, put together from its end to its start.
//!
//! Jumps of BPF only go forward. Written backwards, what a jump leads to is there already, its distance is known, and no
//! label has to be resolved later.

use crate::{
    decision::{Clause, Verdict},
    profile::{Condition, Operator},
};
use std::{collections::HashMap, rc::Rc};

/// struct sock_filter of <linux/filter.h>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    pub code: u16,
    /// How many instructions a comparison that holds skips.
    pub jump_true: u8,
    /// How many one that doesn't.
    pub jump_false: u8,
    pub operand: u32,
}

/// BPF_LD | BPF_W | BPF_ABS: a word of struct seccomp_data.
const LOAD: u16 = 0x20;
/// BPF_ALU | BPF_AND | BPF_K
const AND: u16 = 0x54;
/// BPF_JMP | BPF_JA
const JUMP: u16 = 0x05;
/// BPF_RET | BPF_K
const RETURN: u16 = 0x06;

/// What a jump compares the loaded word with its operand for.
#[derive(Clone, Copy)]
pub(crate) enum Compare {
    /// BPF_JMP | BPF_JEQ | BPF_K
    Equal = 0x15,
    /// BPF_JMP | BPF_JGT | BPF_K
    Greater = 0x25,
    /// BPF_JMP | BPF_JGE | BPF_K
    GreaterOrEqual = 0x35,
}

/// Where the words are in struct seccomp_data.
pub(crate) const NUMBER: u32 = 0;
pub(crate) const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// From how far away a return is written again rather than jumped to: with some reserve below what a jump reaches.
const NEAR: usize = 200;

/// An instruction, by how many come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target(usize);

pub(crate) struct Assembler {
    /// The last one first.
    code: Vec<Instruction>,
    big_endian: bool,
    /// The value of the default action.
    default: u32,
    returns: HashMap<u32, Target>,
    /// What was made of verdicts with conditions: calls often share them.
    verdicts: HashMap<(bool, Rc<[Clause]>), Target>,
}

impl Assembler {
    pub(crate) fn new(big_endian: bool, default: u32) -> Self {
        Self { code: Vec::with_capacity(512), big_endian, default, returns: HashMap::new(), verdicts: HashMap::new() }
    }

    /// The program.
    pub(crate) fn finish(mut self) -> Vec<Instruction> {
        self.code.reverse();
        self.code
    }

    /// Ends with this value.
    pub(crate) fn end(&mut self, value: u32) -> Target {
        match self.returns.get(&value) {
            Some(&target) if self.distance(target) < NEAR => target,
            _ => {
                let target = self.push(RETURN, value);
                self.returns.insert(value, target);
                target
            }
        }
    }

    /// Loads a word of struct seccomp_data; goes on with what was written last.
    pub(crate) fn load(&mut self, offset: u32) -> Target {
        self.push(LOAD, offset)
    }

    /// Compares the loaded word.
    pub(crate) fn branch(&mut self, compare: Compare, operand: u32, yes: Target, no: Target) -> Target {
        // What brings `no` near may put one instruction before `yes`.
        let yes = self.near(yes, 1);
        let no = self.near(no, 0);
        let distance = |target| self.distance(target) as u8;
        let (jump_true, jump_false) = (distance(yes), distance(no));
        self.code.push(Instruction { code: compare as u16, jump_true, jump_false, operand });
        Target(self.code.len() - 1)
    }

    /// Ends as `verdict` says, which may need the call's arguments.
    pub(crate) fn verdict(&mut self, verdict: &Verdict) -> Target {
        let (wide, clauses) = match verdict {
            Verdict::Always(value) => return self.end(*value),
            Verdict::Depends { wide, clauses } => (*wide, clauses),
        };
        if let Some(&target) = self.verdicts.get(&(wide, Rc::clone(clauses))) {
            return target;
        }
        let mut next = self.end(self.default);
        for clause in clauses.iter().rev() {
            let mut holds = self.end(clause.value);
            for condition in clause.conditions.iter().rev() {
                holds = self.condition(condition, wide, holds, next);
            }
            next = holds;
        }
        self.verdicts.insert((wide, Rc::clone(clauses)), next);
        next
    }

    fn condition(&mut self, condition: &Condition, wide: bool, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        let Condition { index, value, value_two, op } = *condition;
        let argument = Argument { offset: ARGUMENTS + 8 * index, wide };
        match op {
            Operator::Equal => self.equal(argument, u64::MAX, value, yes, no),
            Operator::NotEqual => self.equal(argument, u64::MAX, value, no, yes),
            Operator::MaskedEqual => self.equal(argument, value, value_two, yes, no),
            Operator::Greater => self.greater(argument, Compare::Greater, value, yes, no),
            Operator::GreaterOrEqual => self.greater(argument, Compare::GreaterOrEqual, value, yes, no),
            Operator::Less => self.greater(argument, Compare::GreaterOrEqual, value, no, yes),
            Operator::LessOrEqual => self.greater(argument, Compare::Greater, value, no, yes),
        }
    }

    /// Whether the argument's bits in `mask` are those of `value`.
    fn equal(&mut self, argument: Argument, mask: u64, value: u64, yes: Target, no: Target) -> Target {
        let low = self.half_equal(self.low(argument), mask as u32, value as u32, yes, no);
        if !argument.wide {
            return low;
        }
        self.half_equal(self.high(argument), (mask >> 32) as u32, (value >> 32) as u32, low, no)
    }

    fn half_equal(&mut self, offset: u32, mask: u32, value: u32, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        if mask == 0 {
            return if value == 0 { yes } else { no };
        }
        self.branch(Compare::Equal, value, yes, no);
        if mask != u32::MAX {
            self.push(AND, mask);
        }
        self.load(offset)
    }

    /// Whether the argument is greater than `value`, or greater or equal, as `low` says.
    fn greater(&mut self, argument: Argument, low: Compare, value: u64, yes: Target, no: Target) -> Target {
        self.branch(low, value as u32, yes, no);
        let target = self.load(self.low(argument));
        if !argument.wide {
            return target;
        }
        let high = (value >> 32) as u32;
        let target = self.branch(Compare::Equal, high, target, no);
        self.branch(Compare::Greater, high, yes, target);
        self.load(self.high(argument))
    }

    fn low(&self, argument: Argument) -> u32 {
        argument.offset + if self.big_endian { 4 } else { 0 }
    }

    fn high(&self, argument: Argument) -> u32 {
        argument.offset + if self.big_endian { 0 } else { 4 }
    }

    fn push(&mut self, code: u16, operand: u32) -> Target {
        self.code.push(Instruction { code, jump_true: 0, jump_false: 0, operand });
        Target(self.code.len() - 1)
    }

    /// How many instructions one that is written now would skip to get there.
    fn distance(&self, target: Target) -> usize {
        self.code.len() - 1 - target.0
    }

    /// The target, or what does the same within the reach of a comparison that is written after `reserve` others.
    fn near(&mut self, target: Target, reserve: usize) -> Target {
        let distance = self.distance(target);
        if distance + reserve <= usize::from(u8::MAX) {
            return target;
        }
        match self.code[target.0] {
            Instruction { code: RETURN, operand, .. } => self.push(RETURN, operand),
            _ => self.push(JUMP, distance as u32),
        }
    }
}

/// An argument of a call, in struct seccomp_data.
#[derive(Clone, Copy)]
struct Argument {
    offset: u32,
    wide: bool,
}
