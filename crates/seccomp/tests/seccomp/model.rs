//! What a filter has to decide, computed from the profile call by call with no thought of speed.

use crate::calls::{ARCHITECTURES, Call};
use seccomp::{Action, Architecture, Condition, Operator, Profile, Rule, calls};
use std::{collections::HashMap, sync::OnceLock};

/// What the documentation of the crate says, and whether libseccomp can be asked too.
#[cfg_attr(not(feature = "oracle"), expect(dead_code))]
pub struct Decision {
    pub value: u32,
    /// Rules with conditions and different actions hold: libseccomp picks one of them by no rule that it documents.
    pub is_contested: bool,
    /// The call stands for others, whose conditions can't be seen: libseccomp looks at the wrong arguments there.
    pub is_blind: bool,
}

const SOCKETCALL: &str = "socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom \
                          shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg";
const IPC: [(&str, u64); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];
const KILL_THREAD: u32 = 0;

pub fn decide(profile: &Profile, native: Architecture, call: &Call) -> Decision {
    let plain = |value| Decision { value, is_contested: false, is_blind: false };
    let default = value(profile.default_action, profile.default_errno_ret);
    let Some(architecture) = architecture(profile, native, call) else {
        // A tracer's way to have a call left out is no call of x32.
        let is_x86_64 = [native].iter().chain(&profile.architectures).any(|one| *one == Architecture::X86_64);
        let is_none = is_x86_64 && call.audit == Architecture::X86_64.audit() && call.number == u32::MAX;
        return plain(if is_none { default } else { KILL_THREAD });
    };
    let name = names(architecture).iter().find(|(_, number)| **number == call.number).map(|(name, _)| *name);

    let mut unconditional = Vec::new();
    let mut holding = Vec::new();
    let mut is_blind = false;
    for rule in profile.syscalls.iter().filter(|rule| value(rule.action, rule.errno_ret) != default) {
        let value = value(rule.action, rule.errno_ret);
        if name.is_some_and(|name| rule.names.iter().any(|listed| listed == name)) {
            match holds(rule, call, architecture) {
                Some(true) => holding.push(value),
                Some(false) => {}
                None => unconditional.push(value),
            }
        }
        if name.is_some_and(|name| stands_for(name, rule, call)) {
            is_blind |= !rule.args.is_empty();
            if rule.args.is_empty() || strictness(rule.action) > strictness(profile.default_action) {
                holding.push(value);
            }
        }
    }
    if let Some(value) = unconditional.first() {
        return plain(*value);
    }
    if let Some(value) = holding.first() {
        let is_contested = holding.iter().any(|other| other != value);
        return Decision { value: *value, is_contested, is_blind };
    }
    let value = newer(profile, native, call).unwrap_or(default);
    Decision { value, is_contested: false, is_blind }
}

/// Whose call this is, of those that the filter lets pass at all.
fn architecture(profile: &Profile, native: Architecture, call: &Call) -> Option<Architecture> {
    let known = [native].into_iter().chain(profile.architectures.iter().copied());
    known.into_iter().find(|known| {
        let x86_64 = known.audit() == Architecture::X86_64.audit();
        known.audit() == call.audit && (!x86_64 || (call.number >= 0x4000_0000) == (*known == Architecture::X32))
    })
}

fn value(action: Action, errno: Option<u32>) -> u32 {
    match action {
        Action::KillProcess => 0x8000_0000,
        Action::Kill | Action::KillThread => KILL_THREAD,
        Action::Trap => 0x3_0000,
        Action::Errno => 0x5_0000 | errno.unwrap_or(1),
        Action::Notify => 0x7fc0_0000,
        Action::Trace => 0x7ff0_0000 | errno.unwrap_or(1),
        Action::Log => 0x7ffc_0000,
        Action::Allow => 0x7fff_0000,
    }
}

fn strictness(action: Action) -> u32 {
    match action {
        Action::KillProcess => 7,
        Action::Kill | Action::KillThread => 6,
        Action::Trap => 5,
        Action::Errno => 4,
        Action::Notify => 3,
        Action::Trace => 2,
        Action::Log => 1,
        Action::Allow => 0,
    }
}

/// The sets of conditions that the rule stands for.
pub fn clauses(rule: &Rule) -> impl Iterator<Item = &[Condition]> {
    let same = |condition: &Condition| rule.args.iter().filter(|other| other.index == condition.index).count();
    let is_repeated = rule.args.iter().any(|condition| same(condition) > 1);
    rule.args.chunks(if is_repeated { 1 } else { 6 })
}

/// `None` without conditions.
fn holds(rule: &Rule, call: &Call, architecture: Architecture) -> Option<bool> {
    let is_narrow = matches!(
        architecture,
        Architecture::X86
            | Architecture::X32
            | Architecture::Arm
            | Architecture::Mips
            | Architecture::Mipsel
            | Architecture::Mips64N32
            | Architecture::Mipsel64N32
            | Architecture::Ppc
            | Architecture::S390
    );
    let cut = |value: u64| if is_narrow { u64::from(value as u32) } else { value };
    let one = |condition: &Condition| {
        let argument = cut(call.arguments[condition.index as usize]);
        let (value, second) = (cut(condition.value), cut(condition.value_two));
        match condition.op {
            Operator::NotEqual => argument != value,
            Operator::Less => argument < value,
            Operator::LessOrEqual => argument <= value,
            Operator::Equal => argument == value,
            Operator::GreaterOrEqual => argument >= value,
            Operator::Greater => argument > value,
            Operator::MaskedEqual => argument & value == second,
        }
    };
    (!rule.args.is_empty()).then(|| clauses(rule).any(|conditions| conditions.iter().all(one)))
}

/// Whether this call of socketcall(2) or ipc(2) makes a call that the rule names.
fn stands_for(name: &str, rule: &Rule, call: &Call) -> bool {
    let made = match name {
        "socketcall" => {
            (call.arguments[0] as u32).checked_sub(1).and_then(|index| SOCKETCALL.split(' ').nth(index as usize))
        }
        "ipc" => IPC.iter().find(|(_, number)| *number == call.arguments[0] & 0xffff).map(|(name, _)| *name),
        _ => None,
    };
    made.is_some_and(|made| rule.names.iter().any(|listed| listed == made))
}

/// ENOSYS for a call that is newer than the profile, which refuses what it doesn't know.
pub fn newer(profile: &Profile, native: Architecture, call: &Call) -> Option<u32> {
    let architecture = architecture(profile, native, call)?;
    let names = names(architecture);
    let through = |name: &str| {
        let is_ipc = IPC.iter().any(|(known, _)| *known == name);
        let is_socket = SOCKETCALL.split(' ').any(|known| known == name);
        names.get("ipc").filter(|_| is_ipc).or(names.get("socketcall").filter(|_| is_socket))
    };
    let listed = profile.syscalls.iter().flat_map(|rule| &rule.names);
    let named = listed.flat_map(|name| names.get(name.as_str()).into_iter().chain(through(name)));
    let is_private = |number: u32| architecture == Architecture::Arm && number >= 0xf_0000;
    let newest = named.clone().filter(|number| !is_private(**number)).max()?;
    if is_private(call.number) && named.clone().any(|number| *number == call.number) {
        return None;
    }
    let is_placeholder = matches!(architecture, Architecture::S390 | Architecture::S390X) && call.number == 0;
    let is_permissive = matches!(profile.default_action, Action::Allow | Action::Log | Action::Trace | Action::Notify);
    // MIPS, by its ELF machine number, has another ENOSYS.
    let enosys = if architecture.audit() & 0xffff == 8 { 89 } else { 38 };
    (!is_permissive && (call.number > *newest || is_placeholder)).then_some(0x5_0000 | enosys)
}

/// The calls of an architecture.
pub fn names(architecture: Architecture) -> &'static HashMap<&'static str, u32> {
    static NAMES: OnceLock<HashMap<Architecture, HashMap<&'static str, u32>>> = OnceLock::new();
    let all =
        NAMES.get_or_init(|| ARCHITECTURES.into_iter().map(|known| (known, calls(known).unwrap().collect())).collect());
    &all[&architecture]
}
