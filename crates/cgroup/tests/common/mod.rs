//! Cgroup layouts to test in, and processes to put into cgroups.
#![allow(clippy::unwrap_used)]

use cgroup::Cgroup;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};
use wire::{
    Failure,
    plan::{CgroupPlan, CgroupWrite, HierarchyPlan},
};

const CLONE_NEWNS: u32 = 0x0002_0000;

/// Makes a cgroup and fills it, as a launch does.
pub fn make(plan: &CgroupPlan) -> Result<Cgroup, Failure> {
    let cgroup = cgroup::create(plan)?;
    match cgroup.fill(plan) {
        Ok(()) => Ok(cgroup),
        Err(failure) => {
            cgroup.undo()?;
            Err(failure)
        }
    }
}

/// Runs a test in each layout that this machine can show: its own, if that has v1 hierarchies, and one of v2 alone.
/// Needs root.
pub fn in_each_layout(test: fn(&Layout)) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make cgroups and a private view of them");
        return;
    }
    match Layout::of_this_machine() {
        Some(layout) => test(&layout),
        None => eprintln!("skipped for v1: no v1 hierarchies are mounted below /sys/fs/cgroup"),
    }
    in_v2_view(test);
}

/// Runs a test in a thread that sees /sys/fs/cgroup as a v2 hierarchy and nothing else. Needs root.
pub fn in_v2_view(test: fn(&Layout)) {
    let result = thread::spawn(move || {
        sys::namespace::unshare(CLONE_NEWNS).unwrap();
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
        unmount("/sys/fs/cgroup", UnmountFlags::DETACH).unwrap();
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MountFlags::empty(), None).unwrap();
        test(&Layout { hierarchies: vec![("/sys/fs/cgroup".into(), 2, Vec::new())] });
    })
    .join();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

pub struct Layout {
    /// Mount, version, controllers.
    hierarchies: Vec<(String, u8, Vec<String>)>,
}

impl Layout {
    fn of_this_machine() -> Option<Self> {
        let of_v1 = |name: &&str| Path::new("/sys/fs/cgroup").join(name).join("tasks").exists();
        let mut hierarchies: Vec<_> = ["cpuset", "devices", "freezer", "memory", "pids"]
            .iter()
            .filter(|name| of_v1(name))
            .map(|name| (format!("/sys/fs/cgroup/{name}"), 1, vec![(*name).to_owned()]))
            .collect();
        if hierarchies.is_empty() {
            return None;
        }
        if Path::new("/sys/fs/cgroup/unified/cgroup.procs").exists() {
            hierarchies.push(("/sys/fs/cgroup/unified".into(), 2, Vec::new()));
        }
        Some(Self { hierarchies })
    }

    pub fn is_v2_only(&self) -> bool {
        self.hierarchies.iter().all(|(_, version, _)| *version == 2)
    }

    /// A plan for a cgroup that no other test uses, at `path` below a name of its own.
    pub fn plan(&self, path: &str) -> CgroupPlan {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let own = format!("gantry-cgroup-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = format!("{own}{path}");
        let hierarchies = self
            .hierarchies
            .iter()
            .map(|(mount, version, controllers)| HierarchyPlan {
                mount: mount.clone(),
                version: *version,
                controllers: controllers.clone(),
                path: path.clone(),
                writes: Vec::new(),
            })
            .collect();
        CgroupPlan { hierarchies, devices: Vec::new(), optional: false, delegation: None, unit: None }
    }
}

/// Adds a write to the last hierarchy.
pub fn add_write(plan: &mut CgroupPlan, file: &str, value: &str) {
    let last = plan.hierarchies.last_mut().unwrap();
    last.writes.push(CgroupWrite { file: file.into(), value: value.into(), otherwise: None, at_least: None });
}

pub fn exists(plan: &CgroupPlan) -> bool {
    cgroup::planned(plan).iter().any(|reference| Path::new(&reference.path).exists())
}

/// Removes what a test with a path of two components leaves: directories above the container's own stay by design.
pub fn remove_parents(plan: &CgroupPlan) {
    for reference in cgroup::planned(plan) {
        let _ = fs::remove_dir(Path::new(&reference.path).parent().unwrap());
    }
}

/// A shell that waits for a line before it runs its script. Killed when dropped.
pub struct Shell(pub Child);

impl Shell {
    pub fn new(cgroup: &Cgroup, script: &str) -> Self {
        let mut command = Command::new("/bin/sh");
        let child = command.arg("-c").arg(format!("read go; {script}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let shell = Self(child.spawn().unwrap());
        cgroup.join(shell.pid(), false).unwrap();
        shell
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    pub fn go(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// Lets it run and returns the first line that it prints.
    pub fn answer(&mut self) -> String {
        self.go();
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
