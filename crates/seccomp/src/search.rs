//! Call numbers as ranges with one outcome, and the search for the range of a number.

use crate::{
    assembler::{Assembler, Compare, NUMBER, Target},
    decision::{Decisions, Names, Verdict},
};

/// Calls that programs make often: the search finds them with fewer comparisons.
const COMMON: [&str; 30] = [
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "fcntl",
    "fstat",
    "futex",
    "getpid",
    "gettid",
    "ioctl",
    "lseek",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "newfstatat",
    "openat",
    "poll",
    "pread64",
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "rt_sigprocmask",
    "sendmsg",
    "sendto",
    "write",
];

/// How much more than any range one with such a call counts for, per call.
const COMMON_WEIGHT: u32 = 8;

/// All numbers from `start` to that of the next range.
struct Range {
    start: u32,
    verdict: Verdict,
    weight: u32,
}

/// The ranges of all numbers, from 0 on.
pub(crate) struct Ranges(Vec<Range>);

impl Ranges {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// Numbers from `start` on, which is after all numbers so far: those of an architecture's calls as decided, others get
    /// `default`, or `newer` if they are higher than any that the profile names.
    pub(crate) fn add(&mut self, start: u32, decisions: Decisions, names: &Names, default: u32, newer: u32) {
        let mut common: Vec<u32> = COMMON.iter().filter_map(|name| names.number(name)).collect();
        common.sort_unstable();
        let newest = decisions.newest.unwrap_or(u32::MAX);
        self.from(start, Verdict::Always(default), 0);
        for (number, verdict) in decisions.calls {
            let weight = if common.binary_search(&number).is_ok() { COMMON_WEIGHT } else { 0 };
            self.from(number, verdict, weight);
            self.from(number + 1, Verdict::Always(if number < newest { default } else { newer }), 0);
        }
    }

    /// All numbers from `start` on.
    pub(crate) fn from(&mut self, start: u32, verdict: Verdict, weight: u32) {
        // A range that would be empty.
        if self.0.last().is_some_and(|last| last.start == start) {
            self.0.pop();
        }
        match self.0.last_mut() {
            Some(last) if last.verdict == verdict => last.weight += weight,
            _ => self.0.push(Range { start, verdict, weight: 1 + weight }),
        }
    }

    /// Writes the search, which loads the number and ends with the verdict of its range.
    pub(crate) fn assemble(&self, assembler: &mut Assembler) -> Target {
        let found = search(&self.0, assembler);
        // A single range needs no search.
        if self.0.len() > 1 { assembler.load(NUMBER) } else { found }
    }
}

/// Comparisons that lead to the range of the loaded number.
fn search(ranges: &[Range], assembler: &mut Assembler) -> Target {
    match ranges {
        [] => assembler.end(0),
        [range] => assembler.verdict(&range.verdict),
        // One call among others.
        [before, call, after] if before.verdict == after.verdict && after.start - call.start == 1 => {
            let no = assembler.verdict(&before.verdict);
            let yes = assembler.verdict(&call.verdict);
            assembler.branch(Compare::Equal, call.start, yes, no)
        }
        _ => {
            let middle = middle(ranges);
            let (low, high) = ranges.split_at(middle);
            let yes = search(high, assembler);
            let no = search(low, assembler);
            assembler.branch(Compare::GreaterOrEqual, ranges[middle].start, yes, no)
        }
    }
}

/// Where to split so that both sides weigh about the same; neither is empty.
fn middle(ranges: &[Range]) -> usize {
    let total: u32 = ranges.iter().map(|range| range.weight).sum();
    let mut before = 0;
    let half = ranges.iter().position(|range| {
        before += range.weight;
        2 * before >= total
    });
    half.map_or(1, |index| index + 1).clamp(1, ranges.len() - 1)
}
