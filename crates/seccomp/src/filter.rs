//! Compiling: the filter as a whole.

use crate::{
    architecture::{Architecture, X32_BIT},
    assembler::{ARCHITECTURE, Assembler, Compare, Instruction, Target},
    decision::{Case, Names, Verdict, decide},
    profile::{Action, Condition, Flag, Profile},
    search::Ranges,
};
use std::{collections::HashSet, fmt, rc::Rc};

/// The flags of SECCOMP_SET_MODE_FILTER: seccomp(2), <linux/seccomp.h>.
pub mod flag {
    pub const TSYNC: u32 = 1;
    pub const LOG: u32 = 2;
    pub const SPEC_ALLOW: u32 = 4;
    pub const NEW_LISTENER: u32 = 8;
    pub const TSYNC_ESRCH: u32 = 16;
    pub const WAIT_KILLABLE_RECV: u32 = 32;
}

/// What seccomp(2) takes, with SECCOMP_SET_MODE_FILTER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// 1…4096.
    pub instructions: Vec<Instruction>,
    /// Of [`flag`].
    pub flags: u32,
    /// Some call notifies: seccomp(2) returns a descriptor, which the socket `listenerPath` gets.
    pub notify: bool,
    /// Names of calls that none of the filter's architectures has, in the order of the profile. They were passed over.
    pub unknown: Vec<String>,
}

/// A profile that can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The property, seen from the section: `architectures`; empty for the section itself.
    pub field: String,
    pub problem: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.field.is_empty() { "" } else { ": " };
        write!(formatter, "{}{separator}{}", self.field, self.problem)
    }
}

impl std::error::Error for Error {}

/// BPF_MAXINSNS.
const MOST_INSTRUCTIONS: usize = 4096;
/// The part of a filter's value that is an errno: seccomp(2).
const SECCOMP_RET_DATA: u32 = 0xffff;
/// For calls of other architectures.
const REFUSED: u32 = Action::KillThread.value();
const EPERM: u32 = 1;
/// A tracer sets this number for a call to be left out; libseccomp too doesn't take it for one of x32.
const NO_CALL: u32 = u32::MAX;

/// The filter of a profile for a kernel of the architecture `native`.
///
/// The profile is a valid one: what its fields have to do with each other was checked with the rest of the document
/// (src/spec/seccomp.ts). Listed architectures that such a kernel can't run need no instructions and get none.
pub fn compile(profile: &Profile, native: Architecture) -> Result<Filter, Error> {
    let mut actions = profile.syscalls.iter().map(|rule| rule.action).chain([profile.default_action]);
    let notify = actions.any(|action| action == Action::Notify);
    let default = value(profile.default_action, profile.default_errno_ret);
    let cases = cases(profile);
    let flags = flags(profile, notify);
    let architectures = architectures(profile, native)?;
    let newer = if profile.default_action.is_permissive() { default } else { Action::Errno.value() | native.enosys() };

    let mut assembler = Assembler::new(native.is_big_endian(), default);
    let mut sections: Vec<(u32, Target)> = Vec::new();
    // The native one last: what is written last is nearest to the start.
    for (architecture, _) in architectures.iter().rev() {
        let audit = architecture.audit();
        if sections.iter().all(|(other, _)| *other != audit) {
            let ranges = ranges(*architecture, &architectures, &cases, default, newer);
            sections.push((audit, ranges.assemble(&mut assembler)));
        }
    }
    let mut next = assembler.end(REFUSED);
    for (audit, section) in sections {
        next = assembler.branch(Compare::Equal, audit, section, next);
    }
    assembler.load(ARCHITECTURE);

    let instructions = assembler.finish();
    if instructions.len() > MOST_INSTRUCTIONS {
        let count = instructions.len();
        return Err(error("", format!("its filter has {count} instructions, the kernel takes {MOST_INSTRUCTIONS}")));
    }
    Ok(Filter { instructions, flags, notify, unknown: unknown(profile, &architectures) })
}

/// What happens to the numbers of an architecture, with those of the other one that has its AUDIT_ARCH.
fn ranges(
    architecture: Architecture,
    listed: &[(Architecture, Names)],
    cases: &[Case<'_>],
    default: u32,
    newer: u32,
) -> Ranges {
    let x86_64 = [(Architecture::X86_64, 0), (Architecture::X32, X32_BIT)];
    let alone = [(architecture, 0)];
    let is_x86_64 = architecture.audit() == Architecture::X86_64.audit();
    let mut ranges = Ranges::new();
    for (part, start) in if is_x86_64 { &x86_64[..] } else { &alone } {
        let Some((_, names)) = listed.iter().find(|(other, _)| other == part) else {
            ranges.from(*start, Verdict::Always(REFUSED), 0);
            if *part == Architecture::X32 {
                ranges.from(NO_CALL, Verdict::Always(default), 0);
            }
            continue;
        };
        let mut decisions = decide(*part, names, cases, default);
        if decisions.newest.is_some() && matches!(part, Architecture::S390 | Architecture::S390X) {
            // What the kernel makes of a number above its table (runc's rule too). No call has it.
            decisions.calls.insert(0, Verdict::Always(newer));
        }
        ranges.add(*start, decisions, names, default, newer);
    }
    ranges
}

/// The native architecture, and those listed that its kernel can run, each once.
fn architectures(profile: &Profile, native: Architecture) -> Result<Vec<(Architecture, Names)>, Error> {
    let mut found: Vec<(Architecture, Names)> = Vec::new();
    for architecture in [native].into_iter().chain(profile.architectures.iter().copied()) {
        if architecture.runs_on(native) && found.iter().all(|(other, _)| *other != architecture) {
            let names = Names::of(architecture)
                .ok_or_else(|| error("architectures", format!("the system calls of {architecture:?} are not known")))?;
            found.push((architecture, names));
        }
    }
    Ok(found)
}

/// The rules as cases.
fn cases(profile: &Profile) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for rule in &profile.syscalls {
        let value = value(rule.action, rule.errno_ret);
        let mut add = |conditions: &[Condition]| {
            cases.push(Case { names: &rule.names, conditions: Rc::from(conditions), value });
        };
        let arguments: HashSet<u32> = rule.args.iter().map(|condition| condition.index).collect();
        if arguments.len() < rule.args.len() {
            rule.args.chunks(1).for_each(add);
        } else {
            add(&rule.args);
        }
    }
    cases
}

/// What a filter returns for an action.
fn value(action: Action, errno: Option<u32>) -> u32 {
    match action {
        Action::Errno | Action::Trace => action.value() | errno.unwrap_or(EPERM) & SECCOMP_RET_DATA,
        _ => action.value(),
    }
}

fn flags(profile: &Profile, notify: bool) -> u32 {
    let mut flags = if notify { flag::NEW_LISTENER } else { 0 };
    for listed in profile.flags.as_deref().unwrap_or(&[Flag::SpecAllow]) {
        flags |= match listed {
            // With a listener, the kernel wants the thread that fails told by an errno of its own.
            Flag::Tsync if notify => flag::TSYNC | flag::TSYNC_ESRCH,
            Flag::Tsync => flag::TSYNC,
            Flag::Log => flag::LOG,
            Flag::SpecAllow => flag::SPEC_ALLOW,
            Flag::WaitKillableRecv => flag::WAIT_KILLABLE_RECV,
        };
    }
    flags
}

/// Names that no architecture has, each once.
fn unknown(profile: &Profile, architectures: &[(Architecture, Names)]) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = profile.syscalls.iter().flat_map(|rule| &rule.names);
    let absent = names.filter(|name| architectures.iter().all(|(_, names)| !names.has(name)));
    absent.filter(|name| seen.insert(name.as_str())).cloned().collect()
}

fn error(field: impl Into<String>, problem: impl Into<String>) -> Error {
    Error { field: field.into(), problem: problem.into() }
}
