//! A classic BPF interpreter, as much as seccomp allows, with the kernel's checks of a program.

use crate::calls::Call;
use seccomp::Instruction;

/// How a program went.
pub struct Run {
    pub value: u32,
    /// How many instructions it took.
    pub steps: usize,
    /// What the call's architecture was compared with.
    pub architectures: Vec<u32>,
}

/// Where struct seccomp_data has the architecture.
const ARCHITECTURE: u32 = 4;

/// Runs the program for a call.
pub fn run(program: &[Instruction], call: &Call, big_endian: bool) -> Run {
    let data = data(call, big_endian);
    let mut accumulator = 0u32;
    let mut loaded = u32::MAX;
    let mut position = 0;
    let mut architectures = Vec::new();
    for steps in 1.. {
        let Instruction { code, jump_true, jump_false, operand } = program[position];
        position += 1;
        if code & 0x7 == 0x5 && code != 0x05 && loaded == ARCHITECTURE {
            architectures.push(operand);
        }
        let mut jump = |holds: bool| position += usize::from(if holds { jump_true } else { jump_false });
        match code {
            0x20 => {
                assert_eq!(operand % 4, 0, "unaligned load");
                let bytes = data[operand as usize..operand as usize + 4].try_into().unwrap();
                accumulator = if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
                loaded = operand;
            }
            0x54 => accumulator &= operand,
            0x05 => position += operand as usize,
            0x15 => jump(accumulator == operand),
            0x25 => jump(accumulator > operand),
            0x35 => jump(accumulator >= operand),
            0x06 => return Run { value: operand, steps, architectures },
            _ => panic!("instruction {code:#x}"),
        }
    }
    unreachable!()
}

/// struct seccomp_data.
fn data(call: &Call, big_endian: bool) -> Vec<u8> {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: u64| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut data = [word(call.number), word(call.audit)].concat();
    data.extend(long(0x7fff_dead_beef));
    data.extend(call.arguments.iter().flat_map(|argument| long(*argument)));
    data
}

/// The longest way through the program, in instructions.
pub fn longest(program: &[Instruction]) -> usize {
    let mut longest = vec![0usize; program.len()];
    for (position, instruction) in program.iter().enumerate().rev() {
        let after = |skip: usize| longest[position + 1 + skip];
        longest[position] = 1 + match instruction.code {
            0x06 => 0,
            0x05 => after(instruction.operand as usize),
            0x15 | 0x25 | 0x35 => {
                after(usize::from(instruction.jump_true)).max(after(usize::from(instruction.jump_false)))
            }
            _ => after(0),
        };
    }
    longest[0]
}
