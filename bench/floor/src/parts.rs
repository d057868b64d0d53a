//! Parts of gantry by themselves, each as often as is said; prints nanoseconds as a JSON array.
//!
//! `parts helper COUNT` starts the init helper and waits for its end, which comes when it finds nobody to tell it a plan.
//! `parts seccomp COUNT` reads a `linux.seccomp` section from standard input and compiles it. `parts filter` writes the section's filter
//! to standard output, as bubblewrap takes it.

use init_image::INIT;
use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::{MemfdFlags, memfd_create},
    process::{WaitId, WaitIdOptions, waitid},
};
use seccomp::{Architecture, Filter, Profile, compile};
use std::{
    env,
    error::Error,
    fs::File,
    io::{Read, Write, stdin, stdout},
    time::Instant,
};
use sys::spawn::{Program, Spawn, spawn};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: parts helper COUNT | seccomp COUNT | filter";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["helper", count] => {
            let mut image = File::from(memfd_create("gantry-init", MemfdFlags::CLOEXEC | MemfdFlags::EXEC)?);
            image.write_all(INIT)?;
            report(count, || start_helper(image.as_fd()))
        }
        ["seccomp", count] => {
            let profile = profile()?;
            report(count, || filter(&profile).map(drop))
        }
        ["filter"] => {
            for instruction in filter(&profile()?)?.instructions {
                stdout().write_all(&instruction.code.to_ne_bytes())?;
                stdout().write_all(&[instruction.jump_true, instruction.jump_false])?;
                stdout().write_all(&instruction.operand.to_ne_bytes())?;
            }
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn report(count: &str, mut part: impl FnMut() -> Outcome<()>) -> Outcome<()> {
    let count: usize = count.parse()?;
    let mut took = Vec::with_capacity(count);
    // The first one warms caches.
    for _ in 0..=count {
        let before = Instant::now();
        part()?;
        took.push(before.elapsed().as_nanos());
    }
    writeln!(stdout(), "{}", serde_json::to_string(&took[1..])?)?;
    Ok(())
}

fn start_helper(image: BorrowedFd<'_>) -> Outcome<()> {
    let started = spawn(&Spawn {
        program: Program::Image(image),
        arguments: &[c"gantry-init"],
        environment: &[],
        descriptors: &[],
        pid_namespace: false,
        cgroup: None,
        foreign: None,
    })?;
    waitid(WaitId::PidFd(started.pidfd.as_fd()), WaitIdOptions::EXITED)?;
    Ok(())
}

fn profile() -> Outcome<Profile> {
    let mut text = String::new();
    stdin().read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn filter(profile: &Profile) -> Outcome<Filter> {
    Ok(compile(profile, Architecture::native().ok_or("an architecture without seccomp")?)?)
}
