//! Random profiles, and calls that come close to what they say.

use crate::{
    calls::{ARCHITECTURES, Call},
    model::names,
};
use seccomp::{Action, Architecture, Condition, Operator, Profile, Rule};

/// A linear congruential generator: enough for tests, and the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = self.0 ^ (self.0 >> 29);
        mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32)
    }

    /// Less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    /// True in `part` of `whole` cases.
    pub fn chance(&mut self, part: usize, whole: usize) -> bool {
        self.below(whole) < part
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A native architecture, and a profile for it.
    pub fn profile(&mut self, natives: &[Architecture]) -> (Architecture, Profile) {
        let native = self.pick(natives);
        let mut architectures = Vec::new();
        for architecture in ARCHITECTURES {
            if self.chance(1, 2) {
                architectures.push(architecture);
            }
        }
        let mut named: Vec<&str> = names(native).keys().copied().collect();
        named.extend(names(Architecture::X86).keys());
        named.sort_unstable();
        // Few names, so that rules meet.
        let few: Vec<&str> = (0..2 + self.below(12)).map(|_| self.pick(&named)).collect();
        let default_action = self.pick(&[
            Action::Errno,
            Action::Errno,
            Action::KillProcess,
            Action::Allow,
            Action::Log,
            Action::Notify,
            Action::Trace,
            Action::Trap,
        ]);
        let errno = |random: &mut Self, action| {
            (matches!(action, Action::Errno | Action::Trace) && random.chance(1, 2)).then(|| random.below(100) as u32)
        };
        let default_errno_ret = errno(self, default_action);
        let syscalls = (0..self.below(16))
            .map(|_| {
                let action = self.pick(&[
                    Action::Allow,
                    Action::Allow,
                    Action::Errno,
                    Action::Trace,
                    Action::Log,
                    Action::Notify,
                    Action::KillThread,
                    Action::KillProcess,
                    Action::Trap,
                ]);
                let errno_ret = errno(self, action);
                let names = (0..1 + self.below(4)).map(|_| self.pick(&few).to_owned()).collect();
                let count = self.pick(&[0, 0, 1, 1, 2, 3]);
                let args = (0..count).map(|_| self.condition()).collect();
                Rule { names, action, errno_ret, args }
            })
            .collect();
        let profile = Profile {
            default_action,
            default_errno_ret,
            architectures,
            flags: None,
            listener_path: None,
            listener_metadata: None,
            syscalls,
        };
        (native, profile)
    }

    fn condition(&mut self) -> Condition {
        let op = self.pick(&[
            Operator::NotEqual,
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Equal,
            Operator::GreaterOrEqual,
            Operator::Greater,
            Operator::MaskedEqual,
        ]);
        let value = self.value();
        let value_two = if op == Operator::MaskedEqual { self.value() & value } else { 0 };
        Condition { index: self.below(6) as u32, value, value_two, op }
    }

    fn value(&mut self) -> u64 {
        let half = |random: &mut Self| match random.below(5) {
            0 => 0,
            1 => 0xffff_ffff,
            2 => random.next() & 0xffff_ffff,
            3 => 1 << random.below(32),
            _ => random.below(4) as u64,
        };
        half(self) << 32 | half(self)
    }

    /// A call that some rule may be about.
    pub fn call(&mut self, native: Architecture, profile: &Profile) -> Call {
        let possible: Vec<Architecture> = ARCHITECTURES.into_iter().filter(|one| one.runs_on(native)).collect();
        let architecture = if self.chance(1, 2) { native } else { self.pick(&possible) };
        let known = names(architecture);
        let rules: Vec<&Rule> = profile.syscalls.iter().collect();
        let mut named: Vec<u32> =
            rules.iter().flat_map(|rule| &rule.names).filter_map(|name| known.get(name.as_str())).copied().collect();
        named.extend(known.get("socketcall").into_iter().chain(known.get("ipc")));
        let number = match self.below(12) {
            0 => self.next() as u32,
            1 => self.pick(&[0, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX]),
            2 => self.below(600) as u32 | self.pick(&[0, 0x4000_0000]),
            3 | 4 if !named.is_empty() => self.pick(&named).wrapping_add(self.pick(&[1, u32::MAX])),
            _ if !named.is_empty() => self.pick(&named),
            _ => self.below(500) as u32,
        };
        let conditions: Vec<Condition> = rules.iter().flat_map(|rule| rule.args.iter().copied()).collect();
        let mut arguments = [0; 6].map(|_: u64| self.value());
        for condition in &conditions {
            if self.chance(1, 3) {
                continue;
            }
            let value = if condition.op == Operator::MaskedEqual {
                condition.value_two | (!condition.value & self.value())
            } else {
                condition.value
            };
            let value = match self.below(8) {
                0 => value.wrapping_add(1),
                1 => value.wrapping_sub(1),
                2 => value ^ 1 << 32,
                3 => value.rotate_left(32),
                _ => value,
            };
            arguments[condition.index as usize] = value;
        }
        if known.get("socketcall") == Some(&number) || known.get("ipc") == Some(&number) {
            arguments[0] = self.below(26) as u64;
        }
        Call { audit: architecture.audit(), number, arguments }
    }
}
