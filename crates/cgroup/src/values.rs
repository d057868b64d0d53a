//! Values of a cgroup's files: written in an order that the kernel takes, and put back when one of them is refused.
//!
//! Some depend on each other: memory is at most memory and swap together, a burst at most the quota. Which of two has to come
//! first depends on what is there, so one that is refused with EINVAL is tried again when others have been written.

use crate::{failure, tree};
use rustix::{
    fd::OwnedFd,
    io::{self, Errno},
};
use wire::{
    Failure,
    plan::{CgroupWrite, Otherwise},
};

/// A cgroup directory and where it is.
pub(crate) type Place<'a> = (&'a OwnedFd, &'a str);

/// Writes all values, for a cgroup that is thrown away when that fails.
pub(crate) fn write(place: Place<'_>, writes: &[CgroupWrite]) -> Result<(), Failure> {
    in_some_order(writes.iter().collect(), |write| write_one(place, write))
        .map_err(|(write, errno)| refused(place, write, errno))
}

/// Checks what values ask for before any is written: [`CgroupWrite::at_least`].
pub(crate) fn check(place: Place<'_>, writes: &[CgroupWrite]) -> Result<(), Failure> {
    for write in writes {
        let Some(file) = &write.at_least else { continue };
        let object = format!("{}/{file}", place.1);
        let text = tree::read(place.0, file).map_err(failure("read", &object))?;
        let below = match (write.value.parse::<i128>(), text.trim().parse::<i128>()) {
            (Ok(value), Ok(used)) => value < used,
            _ => false,
        };
        if below {
            let object = format!("below what is in use, {}, in cgroup {}", text.trim(), place.1);
            return Err(failure(&format!("limit to {}", write.value), &object)(Errno::BUSY));
        }
    }
    Ok(())
}

/// Values that were written, with what was there before, in order.
#[derive(Debug, Default)]
pub(crate) struct Written(Vec<Former>);

#[derive(Debug)]
struct Former {
    directory: OwnedFd,
    file: String,
    value: String,
}

impl Written {
    /// Writes all values; after a failure those that were written so far are as before.
    pub(crate) fn write(&mut self, place: Place<'_>, writes: &[CgroupWrite]) -> Result<(), Failure> {
        let result = in_some_order(writes.iter().collect(), |write| {
            let (file, value) = match (&write.otherwise, tree::read(place.0, &write.file)) {
                (Some(Otherwise::Write { file, value }), Err(Errno::NOENT)) => (file, value),
                _ => (&write.file, &write.value),
            };
            let former = tree::read(place.0, file).map(|content| former_value(file, &content, value));
            write_one(place, write)?;
            if let Ok(value) = former {
                self.0.push(Former {
                    directory: place.0.try_clone().map_err(|_| Errno::MFILE)?,
                    file: file.clone(),
                    value,
                });
            }
            Ok(())
        });
        result.map_err(|(write, errno)| refused(place, write, errno))
    }

    /// Puts back what was there. Best effort: the failure that led here is what the caller has to know.
    pub(crate) fn undo(self) {
        let latest_first: Vec<Former> = self.0.into_iter().rev().collect();
        let _ = in_some_order(latest_first.iter().collect(), |former| {
            match tree::write(&former.directory, &former.file, &former.value) {
                Err(Errno::INVAL) => Err(Errno::INVAL),
                // Whatever else it is, the others are to be put back all the same.
                _ => Ok(()),
            }
        });
    }
}

/// Does something with each item; with those that were refused with EINVAL again, as long as others went well meanwhile.
fn in_some_order<T>(mut items: Vec<&T>, mut act: impl FnMut(&T) -> io::Result<()>) -> Result<(), (&T, Errno)> {
    loop {
        let mut refused = Vec::new();
        for item in &items {
            match act(item) {
                Ok(()) => {}
                Err(Errno::INVAL) => refused.push(*item),
                Err(errno) => return Err((item, errno)),
            }
        }
        match refused.first() {
            None => return Ok(()),
            Some(first) if refused.len() == items.len() => return Err((first, Errno::INVAL)),
            Some(_) => items = refused,
        }
    }
}

fn write_one((directory, _): Place<'_>, write: &CgroupWrite) -> io::Result<()> {
    match (tree::write(directory, &write.file, &write.value), &write.otherwise) {
        (Err(Errno::NOENT), Some(Otherwise::Nothing)) => Ok(()),
        (Err(Errno::NOENT), Some(Otherwise::Write { file, value })) => tree::write(directory, file, value),
        (result, _) => result,
    }
}

fn refused((_, path): Place<'_>, write: &CgroupWrite, errno: Errno) -> Failure {
    failure("write", &format!("{} to {path}/{}", write.value, write.file))(errno)
}

/// What has to be written to `file` to undo `value`, when `content` is what it said before.
fn former_value(file: &str, content: &str, value: &str) -> String {
    // Of a file with a line for each device or interface, one entry is written at a time.
    let keyed = value.split_once(' ').map(|(key, _)| key).filter(|_| file != "cpu.max");
    if let Some(key) = keyed {
        let line = content.lines().find(|line| line.split(' ').next() == Some(key));
        return line.map_or_else(|| format!("{key} {}", no_entry(file)), str::to_owned);
    }
    let line = match file {
        // Says other things beside the value.
        "memory.oom_control" => content.lines().find_map(|line| line.strip_prefix("oom_kill_disable ")),
        "io.weight" | "io.bfq.weight" => content.lines().find(|line| line.starts_with("default ")),
        _ => Some(content.trim_end()),
    };
    match line {
        // Nothing is not written; an empty line clears a list.
        None | Some("") => "\n".to_owned(),
        Some(line) => line.to_owned(),
    }
}

/// What takes an entry out of a file that has a line for each.
fn no_entry(file: &str) -> &'static str {
    match file {
        "io.max" => "rbps=max wbps=max riops=max wiops=max",
        "io.weight" | "io.bfq.weight" => "default",
        "rdma.max" => "hca_handle=max hca_object=max",
        "misc.max" => "max",
        _ => "0",
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
