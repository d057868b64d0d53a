//! Device access: an ordered list of rules, of which the last that matches decides, and what matches none is denied.
//!
//! v2 runs such a list as it is, as a program ([`crate::device_filter`]). v1 has a default and a set of exceptions, so the list is
//! brought into that form first.

use crate::{device_filter, tree};
use rustix::{
    fd::{AsFd, OwnedFd},
    io::{self, Errno},
};
use std::{collections::BTreeMap, fmt};
use wire::{Failure, plan::DeviceRule};

/// A checked [`DeviceRule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub allow: bool,
    /// None: both kinds.
    pub kind: Option<Kind>,
    /// None: any.
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Block,
    Char,
}

/// A set of ways to use a device, as bits of struct bpf_cgroup_dev_ctx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access(u8);

impl Access {
    pub const MKNOD: Self = Self(1);
    pub const READ: Self = Self(2);
    pub const WRITE: Self = Self(4);
    pub const ALL: Self = Self(7);

    pub fn bits(self) -> u8 {
        self.0
    }

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, access) in [("r", Self::READ), ("w", Self::WRITE), ("m", Self::MKNOD)] {
            if self.overlaps(access) {
                formatter.write_str(letter)?;
            }
        }
        Ok(())
    }
}

/// Checks the rules of a plan.
pub fn rules(rules: &[DeviceRule]) -> Result<Vec<Rule>, Failure> {
    rules.iter().map(|rule| checked(rule).ok_or_else(|| failure(rule))).collect()
}

/// Carries the rules out in a directory of the v1 devices controller: devices.allow and devices.deny.
pub fn write_list(directory: &OwnedFd, rules: &[Rule]) -> io::Result<()> {
    for (file, line) in List::new(rules)?.writes() {
        tree::write(directory, file, &line)?;
    }
    Ok(())
}

/// Carries the rules out in a v2 directory.
pub fn attach_filter(directory: &OwnedFd, rules: &[Rule]) -> io::Result<()> {
    let filter = sys::bpf::load_device_filter(&device_filter::program(rules))?;
    sys::bpf::attach_device_filter(directory.as_fd(), filter.as_fd())
}

/// Takes a v1 directory from one list of rules to another. What both allow is allowed all the while, and what neither allows
/// never, unless everything is denied in one and allowed in the other.
pub fn change_list(directory: &OwnedFd, from: &[Rule], to: &[Rule]) -> io::Result<()> {
    for (file, line) in List::new(to)?.writes_from(&List::new(from)?) {
        tree::write(directory, file, &line)?;
    }
    Ok(())
}

/// A filter that took the place of what was attached before.
#[derive(Debug)]
pub struct ReplacedFilter {
    directory: OwnedFd,
    filter: OwnedFd,
    former: Option<OwnedFd>,
}

/// Puts the rules in the place of those of a v2 directory, in one step. Filters of others stay.
pub fn replace_filter(directory: OwnedFd, rules: &[Rule]) -> io::Result<ReplacedFilter> {
    let filter = sys::bpf::load_device_filter(&device_filter::program(rules))?;
    let former = sys::bpf::attached_device_filter(directory.as_fd())?;
    match &former {
        Some(former) => sys::bpf::replace_device_filter(directory.as_fd(), filter.as_fd(), former.as_fd())?,
        None => sys::bpf::attach_device_filter(directory.as_fd(), filter.as_fd())?,
    }
    Ok(ReplacedFilter { directory, filter, former })
}

impl ReplacedFilter {
    pub fn undo(self) -> io::Result<()> {
        let Self { directory, filter, former } = &self;
        match former {
            Some(former) => sys::bpf::replace_device_filter(directory.as_fd(), former.as_fd(), filter.as_fd()),
            None => sys::bpf::detach_device_filter(directory.as_fd(), filter.as_fd()),
        }
    }
}

fn failure(rule: &DeviceRule) -> Failure {
    let number = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
    let DeviceRule { kind, access, .. } = rule;
    let object = format!("{kind} {}:{} {access}", number(rule.major), number(rule.minor));
    Failure::new("use device rule", object, Errno::INVAL.raw_os_error())
}

fn checked(rule: &DeviceRule) -> Option<Rule> {
    let kind = match rule.kind.as_str() {
        "a" => None,
        "b" => Some(Kind::Block),
        "c" => Some(Kind::Char),
        _ => return None,
    };
    let access = rule.access.chars().try_fold(Access(0), |access, letter| {
        Some(access.union(match letter {
            'r' => Access::READ,
            'w' => Access::WRITE,
            'm' => Access::MKNOD,
            _ => return None,
        }))
    })?;
    let rule = Rule { allow: rule.allow, kind, major: rule.major, minor: rule.minor, access };
    (!access.is_empty()).then_some(rule)
}

impl Rule {
    /// Whether it says something about every access to every device.
    pub fn is_total(&self) -> bool {
        self.kind.is_none() && self.major.is_none() && self.minor.is_none() && self.access == Access::ALL
    }
}

/// What an exception is about; None stands for any number.
type Devices = (Kind, Option<u32>, Option<u32>);

/// The rules as the v1 controller keeps them.
#[derive(Debug, PartialEq, Eq)]
struct List {
    allow_by_default: bool,
    exceptions: BTreeMap<Devices, u8>,
}

impl List {
    /// Fails with EINVAL where a rule takes a part out of an exception, like one device out of all of its major number: that
    /// has no form in v1, and leaving it out would give more access, or less, than was asked for.
    fn new(rules: &[Rule]) -> io::Result<Self> {
        let mut list = Self { allow_by_default: false, exceptions: BTreeMap::new() };
        for rule in rules {
            if rule.is_total() {
                list = Self { allow_by_default: rule.allow, exceptions: BTreeMap::new() };
                continue;
            }
            for kind in rule.kind.map_or(vec![Kind::Block, Kind::Char], |kind| vec![kind]) {
                let devices = (kind, rule.major, rule.minor);
                if rule.allow == list.allow_by_default {
                    list.remove(devices, rule.access)?;
                } else {
                    let access = list.exceptions.entry(devices).or_default();
                    *access |= rule.access.bits();
                }
            }
        }
        Ok(list)
    }

    fn remove(&mut self, devices: Devices, access: Access) -> io::Result<()> {
        for (exception, bits) in &mut self.exceptions {
            if !overlap(*exception, devices) || !Access(*bits).overlaps(access) {
                continue;
            }
            if !covers(devices, *exception) {
                return Err(Errno::INVAL);
            }
            *bits = Access(*bits).without(access).bits();
        }
        self.exceptions.retain(|_, bits| *bits != 0);
        Ok(())
    }

    /// What is written to get here from another list: what is allowed from now on first, then what is denied.
    fn writes_from(&self, former: &Self) -> Vec<(&'static str, String)> {
        if self.allow_by_default != former.allow_by_default {
            return self.writes();
        }
        let (excepting, ordinary) =
            if self.allow_by_default { ("devices.deny", "devices.allow") } else { ("devices.allow", "devices.deny") };
        let more_than = |other: &Self, (devices, bits): (&Devices, &u8)| {
            let access = Access(*bits).without(Access(other.exceptions.get(devices).copied().unwrap_or(0)));
            (!access.is_empty()).then(|| line(*devices, access))
        };
        let begun = self.exceptions.iter().filter_map(|exception| more_than(former, exception));
        let ended = former.exceptions.iter().filter_map(|exception| more_than(self, exception));
        let mut writes: Vec<_> =
            begun.map(|line| (excepting, line)).chain(ended.map(|line| (ordinary, line))).collect();
        writes.sort_by_key(|(file, _)| *file == "devices.deny");
        writes
    }

    /// The files and what is written to them, in order. `a` sets the default and clears the exceptions.
    fn writes(&self) -> Vec<(&'static str, String)> {
        let (default, other) =
            if self.allow_by_default { ("devices.allow", "devices.deny") } else { ("devices.deny", "devices.allow") };
        let exceptions = self.exceptions.iter().map(|(devices, bits)| (other, line(*devices, Access(*bits))));
        [(default, "a".to_owned())].into_iter().chain(exceptions).collect()
    }
}

/// An entry of devices.allow or devices.deny.
fn line((kind, major, minor): Devices, access: Access) -> String {
    let number = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
    let kind = if kind == Kind::Block { 'b' } else { 'c' };
    format!("{kind} {}:{} {access}", number(major), number(minor))
}

/// Whether every device of `inner` is one of `outer`.
fn covers(outer: Devices, inner: Devices) -> bool {
    let number = |outer: Option<u32>, inner: Option<u32>| outer.is_none() || outer == inner;
    outer.0 == inner.0 && number(outer.1, inner.1) && number(outer.2, inner.2)
}

/// Whether there is a device of both.
fn overlap(one: Devices, other: Devices) -> bool {
    let number = |one: Option<u32>, other: Option<u32>| one.is_none() || other.is_none() || one == other;
    one.0 == other.0 && number(one.1, other.1) && number(one.2, other.2)
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
