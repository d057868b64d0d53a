//! From the rules of a profile to what happens for each call number of an architecture.

use crate::{architecture::Architecture, multiplex::multiplexed, profile::Condition, table};
use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

/// A rule as far as it concerns one set of conditions: of a rule with two conditions on one argument, there are several.
pub(crate) struct Case<'a> {
    pub(crate) names: &'a [String],
    /// All must hold.
    pub(crate) conditions: Rc<[Condition]>,
    /// What the filter returns then.
    pub(crate) value: u32,
}

/// The return value of a call if all conditions hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Clause {
    pub(crate) conditions: Rc<[Condition]>,
    pub(crate) value: u32,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The filter returns this.
    Always(u32),
    /// What the first clause that holds says, else the default action. `wide`: arguments have 64 bits.
    Depends { wide: bool, clauses: Rc<[Clause]> },
}

/// What happens to the calls of one architecture.
pub(crate) struct Decisions {
    /// By number: all that the profile names, and the calls that these can be made through.
    pub(crate) calls: BTreeMap<u32, Verdict>,
    /// The highest number among them, but for ARM's own.
    pub(crate) newest: Option<u32>,
}

/// The calls of ARM alone are far above the others: they say nothing about a profile's age.
const ARM_PRIVATE: u32 = 0xf_0000;

/// The system calls of one architecture by name.
pub(crate) struct Names {
    numbers: HashMap<&'static str, u32>,
    /// Those that can be made through another call: the number of that one, and the condition that tells.
    multiplexed: HashMap<&'static str, (u32, Condition)>,
}

impl Names {
    /// `None` if they aren't known here.
    pub(crate) fn of(architecture: Architecture) -> Option<Self> {
        let numbers: HashMap<_, _> = table::calls(architecture)?.collect();
        let multiplexed = multiplexed()
            .filter_map(|(name, through, chosen)| Some((name, (*numbers.get(through)?, chosen))))
            .collect();
        Some(Self { numbers, multiplexed })
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Whether the architecture has this call, be it through another one.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.numbers.contains_key(name) || self.multiplexed.contains_key(name)
    }
}

/// What the cases say of one call.
#[derive(Default)]
struct Collected {
    unconditional: Option<u32>,
    clauses: Vec<Clause>,
}

/// What the cases say of an architecture's calls.
pub(crate) fn decide(architecture: Architecture, names: &Names, cases: &[Case<'_>], default: u32) -> Decisions {
    let mut collected: BTreeMap<u32, Collected> = BTreeMap::new();
    let mut newest = None;
    for case in cases {
        for name in case.names {
            if let Some(number) = names.number(name) {
                if architecture != Architecture::Arm || number < ARM_PRIVATE {
                    newest = newest.max(Some(number));
                }
                let call = collected.entry(number).or_default();
                if case.value != default {
                    call.add(&case.conditions, case.value);
                }
            }
            if let Some(&(number, chosen)) = names.multiplexed.get(name.as_str()) {
                newest = newest.max(Some(number));
                // Its own arguments can't be seen: refuse rather too many calls than too few.
                if case.value != default && (case.conditions.is_empty() || is_stricter(case.value, default)) {
                    collected.entry(number).or_default().add(&Rc::from([chosen]), case.value);
                }
            }
        }
    }
    let wide = architecture.is_wide();
    let calls = collected.into_iter().map(|(number, call)| (number, call.verdict(wide, default))).collect();
    Decisions { calls, newest }
}

impl Collected {
    fn add(&mut self, conditions: &Rc<[Condition]>, value: u32) {
        if conditions.is_empty() {
            self.unconditional.get_or_insert(value);
        } else {
            self.clauses.push(Clause { conditions: Rc::clone(conditions), value });
        }
    }

    fn verdict(self, wide: bool, default: u32) -> Verdict {
        match self.unconditional {
            Some(value) => Verdict::Always(value),
            None if self.clauses.is_empty() => Verdict::Always(default),
            None => Verdict::Depends { wide, clauses: self.clauses.into() },
        }
    }
}

/// Whether the kernel would choose `value` of the two, from two filters: the order of seccomp(2), "Filter return values".
fn is_stricter(value: u32, other: u32) -> bool {
    let order = |value: u32| (value & 0xffff_0000).cast_signed();
    order(value) < order(other)
}
