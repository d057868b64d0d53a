//! Hearing of processes that were killed for want of memory, and of the last one's end.
//!
//! The kernel counts the kills (memory.events of v2, memory.oom_control of v1), so that none is missed between two calls. It
//! wakes who polls memory.events and cgroup.events, and on v1 signals an eventfd (cgroup-v1/memory.rst, "OOM Control").

use crate::{Backoff, CgroupRef, failure, members, tree};
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll},
    fd::{AsFd, AsRawFd, OwnedFd},
    fs::OFlags,
    io::{self, Errno},
};
use serde::Serialize;
use std::time::{Duration, Instant};
use wire::Failure;

/// How often the end of the last process is looked for where the kernel does not tell it: v1 alone.
const LOOK: Duration = Duration::from_millis(200);

/// How long a v1 kill may take after it was announced.
const MOMENT: Duration = Duration::from_secs(1);

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Whether there was a want of memory that ended a process or, with disableOOMKiller, stopped one.
    pub oom: bool,
    /// How many processes were killed for it so far.
    pub kills: u64,
    /// Whether the cgroup is gone or has no processes any more.
    pub ended: bool,
}

/// Waits until there are more kills than `since`, until the last process has ended, or for `timeout`.
pub fn await_oom(refs: &[CgroupRef], since: u64, timeout: Duration) -> Result<Heard, Failure> {
    let object = refs.iter().map(|reference| reference.path.as_str()).next().unwrap_or_default();
    Watch::open(refs).and_then(|watch| watch.wait(since, timeout)).map_err(failure("watch cgroup", object))
}

struct Watch {
    memory: Memory,
    /// cgroup.events of the v2 directory, or any v1 directory.
    life: Life,
}

enum Memory {
    /// memory.events.
    V2(OwnedFd),
    V1 {
        control: OwnedFd,
        announced: OwnedFd,
    },
    /// No memory controller, or its directory is gone.
    None,
}

enum Life {
    Events(OwnedFd),
    Directory(OwnedFd),
    Over,
}

impl Watch {
    fn open(refs: &[CgroupRef]) -> io::Result<Self> {
        let mut watch = Self { memory: Memory::None, life: Life::Over };
        for reference in refs {
            let Some(directory) = tree::open(reference)? else { continue };
            if reference.version == 2 {
                if let Some(events) = present(tree::open_file(&directory, "memory.events", OFlags::RDONLY))? {
                    watch.memory = Memory::V2(events);
                }
                if let Some(events) = present(tree::open_file(&directory, "cgroup.events", OFlags::RDONLY))? {
                    watch.life = Life::Events(events);
                }
                continue;
            }
            if let Some(control) = present(tree::open_file(&directory, "memory.oom_control", OFlags::RDONLY))? {
                let announced = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                let registration = format!("{} {}", announced.as_raw_fd(), control.as_raw_fd());
                tree::write(&directory, "cgroup.event_control", &registration)?;
                watch.memory = Memory::V1 { control, announced };
            }
            if matches!(watch.life, Life::Over) {
                watch.life = Life::Directory(directory);
            }
        }
        Ok(watch)
    }

    fn wait(&self, since: u64, timeout: Duration) -> io::Result<Heard> {
        let deadline = Instant::now() + timeout;
        let mut announced = false;
        loop {
            // Looked at before the kills: what was killed at the end was killed before it.
            let ended = self.ended()?;
            let kills = if announced { self.kills_after_announcement(since)? } else { self.kills()? };
            let left = deadline.saturating_duration_since(Instant::now());
            let oom = announced || kills.is_some_and(|kills| kills > since);
            if oom || ended || left.is_zero() {
                return Ok(Heard { oom, kills: kills.unwrap_or(since), ended });
            }
            announced = self.sleep(left)?;
        }
    }

    /// Waits for news; whether an OOM was announced that is not counted yet.
    fn sleep(&self, left: Duration) -> io::Result<bool> {
        let left = if matches!(self.life, Life::Events(_)) { left } else { left.min(LOOK) };
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(2);
        match &self.memory {
            Memory::V2(events) => polled.push(PollFd::new(events, PollFlags::PRI)),
            Memory::V1 { announced, .. } => polled.push(PollFd::new(announced, PollFlags::IN)),
            Memory::None => {}
        }
        if let Life::Events(events) = &self.life {
            polled.push(PollFd::new(events, PollFlags::PRI));
        }
        match poll(&mut polled, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let Memory::V1 { announced, .. } = &self.memory else { return Ok(false) };
        match io::read(announced, &mut [0; 8]) {
            // The end of the cgroup signals the eventfd as well.
            Ok(_) => Ok(self.kills()?.is_some()),
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The count; none where there is nothing (any more) that counts.
    fn kills(&self) -> io::Result<Option<u64>> {
        let file = match &self.memory {
            Memory::V2(events) => events,
            Memory::V1 { control, .. } => control,
            Memory::None => return Ok(None),
        };
        Ok(present(read_again(file))?.map(|text| number_after(&text, "oom_kill ")))
    }

    /// On v1 the announcement comes before the kill, and without one when the killer is disabled.
    fn kills_after_announcement(&self, since: u64) -> io::Result<Option<u64>> {
        let Memory::V1 { control, .. } = &self.memory else { return self.kills() };
        let mut backoff = Backoff::new(MOMENT);
        loop {
            let Some(text) = present(read_again(control))? else { return Ok(None) };
            let kills = number_after(&text, "oom_kill ");
            if kills > since || number_after(&text, "oom_kill_disable ") == 1 || !backoff.wait() {
                return Ok(Some(kills));
            }
        }
    }

    fn ended(&self) -> io::Result<bool> {
        match &self.life {
            Life::Over => Ok(true),
            Life::Events(events) => {
                Ok(present(read_again(events))?.is_none_or(|text| number_after(&text, "populated ") == 0))
            }
            Life::Directory(directory) => members::any(directory).map(|any| !any),
        }
    }
}

/// None where the file or its cgroup is not there.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if tree::vanished(error) => Ok(None),
        other => other.map(Some),
    }
}

/// A short file from its beginning: the same descriptor is polled.
fn read_again(file: impl AsFd) -> io::Result<String> {
    let mut buffer = [0; 512];
    let length = io::retry_on_intr(|| io::pread(&file, &mut buffer, 0))?;
    Ok(String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned())
}

/// Of a flat keyed file (cgroup-v2.rst); 0 without such a line.
fn number_after(text: &str, key: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(key)?.parse().ok()).unwrap_or(0)
}
