//! `linux.intelRdt`: shares of caches and memory bandwidth, as directories of the resctrl file system (the kernel's
//! filesystems/resctrl documentation). A directory that is made there has its files, and is removed with them.

use crate::failing::Failing;
use rustix::io::Errno;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};
use wire::{
    Failure,
    plan::{ResctrlCreate, ResctrlPlan, ResctrlUpdate},
};

/// The directories that exist for the container alone, and go with it. To be recorded before [`make`].
///
/// Fails with EEXIST where one is there already: it is somebody else's.
pub fn owned(plan: &ResctrlPlan) -> Result<Vec<String>, Failure> {
    let own = (plan.create == ResctrlCreate::Own).then(|| plan.group.clone());
    // What is inside first, for their removal.
    let owned: Vec<String> = plan.monitoring.iter().cloned().chain(own).collect();
    match owned.iter().find(|directory| Path::new(directory).exists()) {
        Some(directory) => Err(Errno::EXIST).failing("make linux.intelRdt group", directory),
        None => Ok(owned),
    }
}

/// Makes what is missing, and sets it up or compares it.
pub fn make(plan: &ResctrlPlan) -> Result<(), Failure> {
    const STEP: &str = "make linux.intelRdt group";
    let ResctrlPlan { group, create, schemata, monitoring } = plan;
    let made = match create {
        ResctrlCreate::Never => false,
        ResctrlCreate::IfMissing | ResctrlCreate::Own => match fs::create_dir(group) {
            Ok(()) => true,
            Err(error) if *create == ResctrlCreate::IfMissing && error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(error).failing(STEP, group),
        },
    };
    if made {
        for line in schemata {
            write(&format!("{group}/schemata"), line)?;
        }
    } else {
        compare(group, schemata)?;
    }
    match monitoring {
        Some(directory) => fs::create_dir(directory).failing("make linux.intelRdt.enableMonitoring group", directory),
        None => Ok(()),
    }
}

/// Gives a group that is there new shares: all of them, or after a failure none. Gives what it had, to be given back with the same.
pub fn update(update: &ResctrlUpdate) -> Result<ResctrlUpdate, Failure> {
    let ResctrlUpdate { group, schemata } = update;
    let path = format!("{group}/schemata");
    let text = fs::read_to_string(&path).failing("read linux.intelRdt shares", &path)?;
    let before =
        ResctrlUpdate { group: group.clone(), schemata: text.lines().map(|line| line.trim().to_owned()).collect() };
    for line in schemata {
        if let Err(failure) = write(&path, line) {
            for line in &before.schemata {
                // The failure is what the caller has to know.
                let _ = write(&path, line);
            }
            return Err(failure);
        }
    }
    Ok(before)
}

/// Lets a process in, with all that it will start.
pub fn join(plan: &ResctrlPlan, pid: i32) -> Result<(), Failure> {
    // A monitoring group takes processes of its control group only.
    for directory in [&plan.group].into_iter().chain(&plan.monitoring) {
        write(&format!("{directory}/tasks"), &pid.to_string())?;
    }
    Ok(())
}

/// Removes directories that [`owned`] named; one that is gone is fine.
pub fn remove(directories: &[String]) -> Result<(), Failure> {
    for directory in directories {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).failing("remove linux.intelRdt group", directory);
            }
            _ => {}
        }
    }
    Ok(())
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    // One write(2), which is one command to the kernel. Never a new file.
    let written =
        OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()));
    written.failing(&format!("write {text} to"), path)
}

/// Fails with EINVAL unless the group has the wanted shares already: others live by them.
fn compare(group: &str, wanted: &[String]) -> Result<(), Failure> {
    let path = format!("{group}/schemata");
    let found = fs::read_to_string(&path).failing("read linux.intelRdt.closID", &path)?;
    let found: Vec<Share<'_>> = found.lines().flat_map(shares).collect();
    for line in wanted {
        if shares(line).any(|share| !found.contains(&share)) {
            return Err(Errno::INVAL).failing(&format!("find linux.intelRdt {line} in"), path);
        }
    }
    Ok(())
}

/// A resource, a domain of it, and the share of that as a number: `L3:0=ff;1=f` has two.
type Share<'a> = (&'a str, &'a str, Option<u64>);

fn shares(line: &str) -> impl Iterator<Item = Share<'_>> {
    let (resource, list) = line.split_once(':').unwrap_or((line, ""));
    let resource = resource.trim();
    list.split(';').filter_map(|part| part.split_once('=')).map(move |(domain, value)| {
        // Bandwidth is decimal, all else are masks of bits.
        let radix = if resource.ends_with("MB") { 10 } else { 16 };
        (resource, domain.trim(), u64::from_str_radix(value.trim(), radix).ok())
    })
}

#[cfg(test)]
#[path = "resctrl_tests.rs"]
mod tests;
