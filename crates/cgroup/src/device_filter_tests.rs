//! The program is run by a small interpreter and compared with the plain meaning of a list, on many lists.
use super::*;

#[derive(Clone, Copy)]
struct Request {
    kind: Kind,
    major: u32,
    minor: u32,
    access: u8,
}

/// What a list means: each wanted bit is decided by the last rule that is about it.
fn allowed(rules: &[Rule], request: Request) -> bool {
    [1, 2, 4].into_iter().filter(|bit| request.access & bit != 0).all(|bit| {
        let about = |rule: &&Rule| {
            rule.kind.is_none_or(|kind| kind == request.kind)
                && rule.major.is_none_or(|major| major == request.major)
                && rule.minor.is_none_or(|minor| minor == request.minor)
                && rule.access.bits() & bit != 0
        };
        rules.iter().rev().find(about).is_some_and(|rule| rule.allow)
    })
}

fn interpret(program: &[Instruction], request: Request) -> bool {
    let context = [u32::from(request.access) << 16 | number_of(request.kind), request.major, request.minor];
    let mut registers = [0u32; 16];
    let mut index = 0usize;
    loop {
        let Instruction { code, registers: names, offset, immediate } = program[index];
        let (left, right) = (usize::from(names & 15), usize::from(names >> 4));
        let immediate = immediate.cast_unsigned();
        index += 1;
        let jump = match code {
            JUMP_IF_EQUAL => registers[left] == immediate,
            JUMP_IF_NOT_EQUAL => registers[left] != immediate,
            _ => false,
        };
        match code {
            LOAD => registers[left] = context[usize::try_from(offset).unwrap_or_default() / 4],
            MOVE => registers[left] = immediate,
            MOVE_REGISTER => registers[left] = registers[right],
            AND => registers[left] &= immediate,
            SHIFT_RIGHT => registers[left] >>= immediate,
            EXIT => return registers[0] == 1,
            _ if jump => index += usize::try_from(offset).unwrap_or_default(),
            _ => {}
        }
    }
}

/// A small generator of numbers below `limit`: the lists must be the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % limit
    }

    fn rule(&mut self) -> Rule {
        let accesses = [Access::MKNOD, Access::READ, Access::WRITE, Access::ALL];
        Rule {
            allow: self.below(2) == 1,
            kind: [None, Some(Kind::Block), Some(Kind::Char)][self.below(3) as usize],
            major: [None, Some(1), Some(u32::MAX)][self.below(3) as usize],
            minor: [None, Some(0), Some(0x8000_0000)][self.below(3) as usize],
            access: accesses[self.below(4) as usize],
        }
    }
}

#[test]
fn the_program_does_what_the_list_says() {
    let mut numbers = Numbers(7);
    for length in 0..400 {
        let rules: Vec<Rule> = (0..length % 9).map(|_| numbers.rule()).collect();
        let program = program(&rules);
        for kind in [Kind::Block, Kind::Char] {
            for major in [1, 2, u32::MAX] {
                for minor in [0, 3, 0x8000_0000] {
                    for access in 1..8 {
                        let request = Request { kind, major, minor, access };
                        assert_eq!(
                            interpret(&program, request),
                            allowed(&rules, request),
                            "{rules:?} {kind:?} {major}:{minor} {access}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn nothing_is_allowed_without_rules() {
    assert!(!interpret(&program(&[]), Request { kind: Kind::Char, major: 1, minor: 3, access: 2 }));
}

#[test]
fn every_instruction_can_be_reached() {
    let mut numbers = Numbers(11);
    let wide = |allow, kind| Rule { allow, kind, major: None, minor: None, access: Access::ALL };
    for length in 0..400 {
        let mut rules: Vec<Rule> = (0..length % 9).map(|_| numbers.rule()).collect();
        let kind = [None, Some(Kind::Block), Some(Kind::Char)][numbers.below(3) as usize];
        rules.insert(numbers.below(length % 9 + 1) as usize, wide(numbers.below(2) == 1, kind));
        let program = program(&rules);
        let mut reached = vec![false; program.len()];
        let mut pending = vec![0];
        while let Some(index) = pending.pop() {
            if std::mem::replace(&mut reached[index], true) {
                continue;
            }
            let Instruction { code, offset, .. } = program[index];
            if matches!(code, JUMP_IF_EQUAL | JUMP_IF_NOT_EQUAL) {
                pending.push(index + 1 + usize::try_from(offset).unwrap_or_default());
            }
            if code != EXIT {
                pending.push(index + 1);
            }
        }
        assert!(reached.iter().all(|one| *one), "{rules:?}");
    }
}
