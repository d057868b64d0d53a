//! The same decisions as libseccomp with runc's rule for newer calls, on random profiles and on one of a container engine's
//! size.

use crate::{
    bpf,
    calls::{ARCHITECTURES, Call, every_call},
    model,
    random::Random,
};
use ::libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall, error::SeccompError,
};
use rustix::fs::{MemfdFlags, memfd_create};
use seccomp::{Action, Architecture, Condition, Instruction, Operator, Profile, Rule, compile};
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek},
};

const PROFILES: usize = 1000;
const CALLS: usize = 60;
/// How many decisions must be compared at least.
const ENOUGH: usize = 20_000;
/// libseccomp calls another one by this name.
const MISNAMED: &str = "sys_debug_setcontext";

#[test]
fn random_profiles_decide_as_libseccomp_does() {
    let mut random = Random::new(3);
    let mut compared = 0;
    for round in 0..PROFILES {
        let (native, profile) = random.profile(&natives());
        compared += compare(native, &understood(profile), |profile| random.call(native, profile), CALLS)
            .unwrap_or_else(|difference| panic!("round {round}: {difference}"));
    }
    assert!(compared >= ENOUGH, "{compared}");
}

#[test]
fn each_call_of_an_engines_profile_decides_as_with_libseccomp() {
    let profile: Profile = serde_json::from_str(include_str!("fixtures/engine.json")).unwrap();
    for native in [Architecture::X86_64, Architecture::Aarch64] {
        let profile = understood(profile.clone());
        let mut random = Random::new(5);
        let mut calls = every_call(native, &mut random);
        let count = calls.len();
        let compared = compare(native, &profile, |_| calls.pop().unwrap(), count).unwrap();
        assert!(compared > count / 2, "{compared} of {count}");
    }
}

#[test]
fn numbers_are_those_of_libseccomp() {
    let mut compared = 0;
    for architecture in ARCHITECTURES.into_iter().filter(|one| *one != Architecture::Loongarch64) {
        for (name, number) in model::names(architecture) {
            // Negative numbers stand for calls that are newer, or that it takes for others.
            let known = ScmpSyscall::from_name_by_arch(name, arch(architecture)).map(ScmpSyscall::as_raw_syscall);
            if let Ok(known) = known.map(i32::cast_unsigned)
                && known < 0x8000_0000
            {
                assert_eq!(*number, known, "{name} of {architecture:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 5000, "{compared}");
}

/// Compares decisions; how many, or the first difference. What libseccomp refuses is not compared.
fn compare(
    native: Architecture,
    profile: &Profile,
    mut next: impl FnMut(&Profile) -> Call,
    count: usize,
) -> Result<usize, String> {
    let Ok(theirs) = theirs(profile, native) else { return Ok(0) };
    let ours = compile(profile, native).unwrap().instructions;
    let mut compared = 0;
    for _ in 0..count {
        let call = next(profile);
        let decision = model::decide(profile, native, &call);
        let their_run = bpf::run(&theirs, &call, native.is_big_endian());
        if decision.is_contested || decision.is_blind || is_confused(&their_run, profile, native) {
            continue;
        }
        // runc puts this before libseccomp's program.
        let expected = model::newer(profile, native, &call).unwrap_or(their_run.value);
        let value = bpf::run(&ours, &call, native.is_big_endian()).value;
        if value != expected {
            return Err(format!("{value:#x} instead of {expected:#x}, {native:?}, {call:x?}\n{profile:#?}"));
        }
        compared += 1;
    }
    Ok(compared)
}

/// Those that libseccomp 2.5 knows, without the big-endian ones: made on a little-endian machine, its programs for these have
/// some values in the wrong byte order.
fn natives() -> Vec<Architecture> {
    let known = ARCHITECTURES.into_iter().filter(|one| *one != Architecture::Loongarch64);
    known.filter(|one| !one.is_big_endian()).collect()
}

/// libseccomp 2.5 forgets to load the call's number where one of x86_64 and x32 has no rules, and compares the architecture.
fn is_confused(run: &bpf::Run, profile: &Profile, native: Architecture) -> bool {
    let is_listed =
        |audit: &u32| native.audit() == *audit || profile.architectures.iter().any(|one| one.audit() == *audit);
    !run.architectures.iter().all(is_listed)
}

/// The profile without what libseccomp 2.5 doesn't know or gets wrong: names, and several sets of conditions on one argument,
/// which it merges, sometimes wrongly and sometimes without end.
fn understood(mut profile: Profile) -> Profile {
    let mut before: HashMap<String, Vec<Condition>> = HashMap::new();
    for rule in &mut profile.syscalls {
        for condition in &mut rule.args {
            // No bit of the mask: always true, or never. On 32-bit ABIs, of its low half.
            if condition.op == Operator::MaskedEqual && condition.value as u32 == 0 {
                condition.value |= 1;
            }
        }
        let rest = rule.clone();
        rule.names.retain(|name| {
            let earlier = before.entry(name.clone()).or_default();
            let is_simple = |condition: &Condition| rest.args.len() == 1 && condition.op == Operator::Equal;
            let tangles = |condition: &Condition| {
                let same: Vec<_> = earlier.iter().filter(|other| other.index == condition.index).collect();
                !(same.is_empty() || is_simple(condition) && same.iter().all(|other| other.op == Operator::Equal))
            };
            let is_understood = name != MISNAMED
                && ScmpSyscall::from_name(name).is_ok()
                && !rest.args.iter().any(tangles)
                && (model::clauses(&rest).count() <= 1 || rest.args.iter().all(|one| one.op == Operator::Equal));
            if is_understood {
                earlier.extend(&rest.args);
            }
            is_understood
        });
    }
    profile.syscalls.retain(|rule| !rule.names.is_empty());
    profile
}

/// libseccomp's program, made as runc has it made.
fn theirs(profile: &Profile, native: Architecture) -> Result<Vec<Instruction>, SeccompError> {
    ::libseccomp::set_api(6)?;
    let default = action(profile.default_action, profile.default_errno_ret);
    let mut filter = ScmpFilterContext::new(default)?;
    filter.remove_arch(ScmpArch::Native)?;
    for one in [native].into_iter().chain(profile.architectures.iter().copied()) {
        if one != Architecture::Loongarch64 && one.is_big_endian() == native.is_big_endian() {
            filter.add_arch(arch(one))?;
        }
    }
    for rule in &profile.syscalls {
        add(&mut filter, rule, default)?;
    }
    let mut file = File::from(memfd_create("filter", MemfdFlags::CLOEXEC).unwrap());
    filter.export_bpf(&file)?;
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let big_endian = native.is_big_endian();
    let short = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    };
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let instruction = |bytes: &[u8]| Instruction {
        code: short(&bytes[..2]),
        jump_true: bytes[2],
        jump_false: bytes[3],
        operand: word(&bytes[4..]),
    };
    Ok(bytes.chunks(8).map(instruction).collect())
}

fn add(filter: &mut ScmpFilterContext, rule: &Rule, default: ScmpAction) -> Result<(), SeccompError> {
    let action = action(rule.action, rule.errno_ret);
    if action == default {
        return Ok(());
    }
    for name in &rule.names {
        let Ok(call) = ScmpSyscall::from_name(name) else { continue };
        if rule.args.is_empty() {
            filter.add_rule(action, call)?;
        }
        for clause in model::clauses(rule) {
            let conditions: Vec<ScmpArgCompare> = clause.iter().map(condition).collect();
            filter.add_rule_conditional(action, call, &conditions)?;
        }
    }
    Ok(())
}

fn condition(condition: &Condition) -> ScmpArgCompare {
    let Condition { index, value, value_two, op } = *condition;
    let (op, datum) = match op {
        Operator::NotEqual => (ScmpCompareOp::NotEqual, value),
        Operator::Less => (ScmpCompareOp::Less, value),
        Operator::LessOrEqual => (ScmpCompareOp::LessOrEqual, value),
        Operator::Equal => (ScmpCompareOp::Equal, value),
        Operator::GreaterOrEqual => (ScmpCompareOp::GreaterEqual, value),
        Operator::Greater => (ScmpCompareOp::Greater, value),
        Operator::MaskedEqual => (ScmpCompareOp::MaskedEqual(value), value_two),
    };
    ScmpArgCompare::new(index, op, datum)
}

fn action(action: Action, errno: Option<u32>) -> ScmpAction {
    let errno = errno.unwrap_or(1);
    match action {
        Action::Kill | Action::KillThread => ScmpAction::KillThread,
        Action::KillProcess => ScmpAction::KillProcess,
        Action::Trap => ScmpAction::Trap,
        Action::Errno => ScmpAction::Errno(errno as i32),
        Action::Trace => ScmpAction::Trace(errno as u16),
        Action::Allow => ScmpAction::Allow,
        Action::Log => ScmpAction::Log,
        Action::Notify => ScmpAction::Notify,
    }
}

fn arch(architecture: Architecture) -> ScmpArch {
    match architecture {
        Architecture::X86 => ScmpArch::X86,
        Architecture::X86_64 => ScmpArch::X8664,
        Architecture::X32 => ScmpArch::X32,
        Architecture::Arm => ScmpArch::Arm,
        Architecture::Aarch64 => ScmpArch::Aarch64,
        Architecture::Mips => ScmpArch::Mips,
        Architecture::Mips64 => ScmpArch::Mips64,
        Architecture::Mips64N32 => ScmpArch::Mips64N32,
        Architecture::Mipsel => ScmpArch::Mipsel,
        Architecture::Mipsel64 => ScmpArch::Mipsel64,
        Architecture::Mipsel64N32 => ScmpArch::Mipsel64N32,
        Architecture::Ppc => ScmpArch::Ppc,
        Architecture::Ppc64 => ScmpArch::Ppc64,
        Architecture::Ppc64Le => ScmpArch::Ppc64Le,
        Architecture::S390 => ScmpArch::S390,
        Architecture::S390X => ScmpArch::S390X,
        Architecture::Parisc => ScmpArch::Parisc,
        Architecture::Parisc64 => ScmpArch::Parisc64,
        Architecture::Riscv64 => ScmpArch::Riscv64,
        Architecture::Loongarch64 => ScmpArch::Loongarch64,
        Architecture::M68k => ScmpArch::M68k,
        Architecture::Sh => ScmpArch::Sh,
        Architecture::Sheb => ScmpArch::Sheb,
    }
}
