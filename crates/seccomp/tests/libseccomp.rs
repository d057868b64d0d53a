//! The same decisions as libseccomp with runc's rule for newer calls, on random profiles and on one of a container engine's
//! size.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ARCHITECTURES, Call, bpf, model, random::Random};
use libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall, error::SeccompError,
};
use rustix::fs::{MemfdFlags, memfd_create};
use seccomp::{Action, Architecture, Condition, Instruction, Operator, Profile, Rule, compile};
use std::{
    fs::File,
    io::{Read, Seek},
};

const PROFILES: usize = 800;
const CALLS: usize = 60;
/// Decisions that must be compared at least.
const ENOUGH: usize = 20_000;

#[test]
fn random_profiles_decide_as_libseccomp_does() {
    libseccomp::set_api(6).unwrap();
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    let mut random = Random::new(seed);
    let natives: Vec<Architecture> =
        ARCHITECTURES.into_iter().filter(|one| *one != Architecture::Loongarch64 && !one.is_big_endian()).collect();
    let mut compared = 0;
    let mut bad = 0;
    let mut fails = 0;let mut skip=0;
    for round in 0..PROFILES {
        let (native, mut profile) = random.profile(&natives);
        for rule in &mut profile.syscalls {
            rule.names.retain(|name| ScmpSyscall::from_name(name).is_ok() && name != "sys_debug_setcontext");
        }
        profile.syscalls.retain(|rule| !rule.names.is_empty());
        for c in profile.syscalls.iter_mut().flat_map(|r| &mut r.args) {
            if c.op == Operator::MaskedEqual && c.value as u32 == 0 {
                c.value |= 0x10;
            }
        }
        let ours = compile(&profile, native).unwrap();
        let theirs = match theirs(&profile, native) {
            Ok(p) => p,
            Err(e) => {
                fails += 1;
                if fails < 10 {
                    eprintln!("round {round} {native:?} {e:?}");
                }
                continue;
            }
        };
        for _ in 0..CALLS {
            let call = random.call(native, &profile);
            let decision = model::decide(&profile, native, &call);
            if decision.is_contested || decision.is_blind || decision.is_entangled {
                continue;
            }
            let value = bpf::run(&ours.instructions, &call, native.is_big_endian()).value;
            let run = bpf::run(&theirs, &call, native.is_big_endian());
            if run.architectures.iter().any(|a| ARCHITECTURES.iter().all(|x| !x.runs_on(native) || x.audit() != *a)) { skip += 1; continue; }
            let expected = model::newer(&profile, native, &call)
                .unwrap_or(run.value);
            compared += 1;
            if value != expected {
                bad += 1;
                if bad < 5 {
                    
                    let an = *[native]
                        .iter()
                        .chain(&profile.architectures)
                        .find(|a| {
                            a.audit() == call.audit
                                && (a.audit() != 0xc000003e
                                    || (call.number & 0x4000_0000 != 0) == (**a == Architecture::X32))
                        })
                        .unwrap_or(&native);
                    let name = model::names(an).iter().find(|(_, n)| **n == call.number).map(|(n, _)| *n);
                    eprintln!(
                        "round {round}, {native:?} {an:?} {name:?}, {call:x?} ours {value:x} theirs {expected:x} model {:x} default {:?}",
                        decision.value, profile.default_action
                    );
                    for r in &profile.syscalls {
                        if name.is_some_and(|n| r.names.iter().any(|x| x == n) || n == "ipc" || n == "socketcall") {
                            eprintln!("  {:?} {:?} {:?} {:x?}", r.names, r.action, r.errno_ret, r.args);
                        }
                    }
                }
            }
        }
    }
    eprintln!("skip {skip}");
    assert!(bad == 0, "{bad} of {compared}, fails {fails} skip {skip}");
    assert!(compared >= ENOUGH, "{compared}");
}

/// libseccomp's program, made as runc has it made.
fn theirs(profile: &Profile, native: Architecture) -> Result<Vec<Instruction>, SeccompError> {
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
    let same = |condition: &Condition| rule.args.iter().filter(|other| other.index == condition.index).count();
    let is_repeated = rule.args.iter().any(|condition| same(condition) > 1);
    let conditions: Vec<ScmpArgCompare> = rule.args.iter().map(condition).collect();
    for name in &rule.names {
        let Ok(call) = ScmpSyscall::from_name(name) else { continue };
        if is_repeated {
            for condition in conditions.chunks(1) {
                filter.add_rule_conditional(action, call, condition)?;
            }
        } else {
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
