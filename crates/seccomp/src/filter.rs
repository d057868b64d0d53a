//! Compiling: a profile's checks, and the filter as a whole.

use crate::{
    architecture::{Architecture, X32_BIT},
    assembler::{ARCHITECTURE, Assembler, Compare, Instruction, Target},
    decision::{Case, Names, Verdict, decide},
    profile::{Action, Condition, Flag, Profile, Rule},
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
    /// Some rule notifies: seccomp(2) returns a descriptor, which the socket `listenerPath` gets.
    pub notify: bool,
    /// Names of calls that none of the filter's architectures has, in the order of the profile. They were passed over.
    pub unknown: Vec<String>,
}

/// A profile that can't be compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The property, seen from the section: `syscalls[3].args[0].index`; empty for the section itself.
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
/// MAX_ERRNO: the kernel returns no more than that.
const HIGHEST_ERRNO: u32 = 4095;
/// SECCOMP_RET_DATA: what a tracer can be told.
const HIGHEST_DATA: u32 = 0xffff;
/// How many arguments a system call has at most.
const ARGUMENTS: usize = 6;
/// For calls of other architectures.
const REFUSED: u32 = Action::KillThread.value();
const EPERM: u32 = 1;
/// A tracer sets this number for a call to be left out; libseccomp too doesn't take it for one of x32.
const NO_CALL: u32 = u32::MAX;

/// The filter of a profile for a kernel of the architecture `native`.
///
/// Listed architectures that such a kernel can't run need no instructions and get none.
pub fn compile(profile: &Profile, native: Architecture) -> Result<Filter, Error> {
    let notify = profile.syscalls.iter().any(|rule| rule.action == Action::Notify);
    let default = default_value(profile)?;
    let cases = cases(profile)?;
    let flags = flags(profile, notify)?;
    check_listener(profile, notify)?;
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

/// The rules, checked, as cases.
fn cases(profile: &Profile) -> Result<Vec<Case<'_>>, Error> {
    let mut cases = Vec::new();
    for (index, rule) in profile.syscalls.iter().enumerate() {
        let value = rule_value(rule).map_err(|inner| inner.within(&format!("syscalls[{index}]")))?;
        let mut seen = [false; ARGUMENTS];
        let mut repeated = false;
        for (position, condition) in rule.args.iter().enumerate() {
            let Some(seen) = usize::try_from(condition.index).ok().and_then(|argument| seen.get_mut(argument)) else {
                let field = format!("syscalls[{index}].args[{position}].index");
                return Err(error(field, format!("no system call has an argument {}; the last is 5", condition.index)));
            };
            repeated |= std::mem::replace(seen, true);
        }
        let mut add = |conditions: &[Condition]| {
            cases.push(Case { names: &rule.names, conditions: Rc::from(conditions), value });
        };
        if repeated {
            rule.args.chunks(1).for_each(add);
        } else {
            add(&rule.args);
        }
    }
    Ok(cases)
}

/// What the filter returns where the rule applies.
fn rule_value(rule: &Rule) -> Result<u32, Error> {
    if rule.names.is_empty() {
        return Err(error("names", "must name a system call"));
    }
    if let Some(position) = rule.names.iter().position(String::is_empty) {
        return Err(error(format!("names[{position}]"), "is empty"));
    }
    value(rule.action, rule.errno_ret).map_err(|problem| error("errnoRet", problem))
}

fn default_value(profile: &Profile) -> Result<u32, Error> {
    if profile.default_action == Action::Notify {
        return Err(error("defaultAction", "SCMP_ACT_NOTIFY can't be the default action"));
    }
    value(profile.default_action, profile.default_errno_ret).map_err(|problem| error("defaultErrnoRet", problem))
}

/// The value that a filter returns for an action, or what is wrong with the errno.
fn value(action: Action, errno: Option<u32>) -> Result<u32, String> {
    match (errno, action) {
        (_, Action::Errno | Action::Trace) => {
            let highest = if action == Action::Errno { HIGHEST_ERRNO } else { HIGHEST_DATA };
            let errno = errno.unwrap_or(EPERM);
            if errno > highest { Err(format!("{errno} is more than {highest}")) } else { Ok(action.value() | errno) }
        }
        (Some(_), _) => Err("only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno".to_owned()),
        (None, _) => Ok(action.value()),
    }
}

fn flags(profile: &Profile, notify: bool) -> Result<u32, Error> {
    let mut flags = if notify { flag::NEW_LISTENER } else { 0 };
    for (position, listed) in profile.flags.as_deref().unwrap_or(&[Flag::SpecAllow]).iter().enumerate() {
        flags |= match listed {
            // With a listener, the kernel wants the thread that fails told by an errno of its own.
            Flag::Tsync if notify => flag::TSYNC | flag::TSYNC_ESRCH,
            Flag::Tsync => flag::TSYNC,
            Flag::Log => flag::LOG,
            Flag::SpecAllow => flag::SPEC_ALLOW,
            Flag::WaitKillableRecv if notify => flag::WAIT_KILLABLE_RECV,
            Flag::WaitKillableRecv => {
                let problem = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY";
                return Err(error(format!("flags[{position}]"), problem));
            }
        };
    }
    Ok(flags)
}

fn check_listener(profile: &Profile, notify: bool) -> Result<(), Error> {
    if profile.listener_path.as_deref().is_some_and(|path| !path.is_empty()) {
        Ok(())
    } else if notify {
        Err(error("listenerPath", "SCMP_ACT_NOTIFY needs the socket that gets the notifications"))
    } else if profile.listener_metadata.as_deref().is_some_and(|metadata| !metadata.is_empty()) {
        Err(error("listenerMetadata", "must not be set without listenerPath"))
    } else {
        Ok(())
    }
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

impl Error {
    fn within(self, outer: &str) -> Self {
        Self { field: format!("{outer}.{}", self.field), ..self }
    }
}
