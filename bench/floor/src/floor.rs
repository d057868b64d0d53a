//! The floor of the benchmark: what `run true` costs when nothing is read, checked, recorded or limited.
//!
//! `floor ROOTFS` makes the namespaces and mounts that the benchmark's bundle asks for, pivots into the root and runs
//! /bin/true there. No configuration, no cgroup, no masked paths, no capabilities: only system calls whose cost no runtime can
//! avoid. Its own process enters the namespaces, all but that of pids, so there is no second process of ours either.

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod},
    unistd::{chdir, pivot_root, sethostname},
};
use std::{env, error::Error, fs, os::unix::fs::symlink, process::Command};

/// A file system, where it goes below the root, its flags, its options.
type Filesystem = (&'static str, &'static str, MsFlags, &'static str);

const QUIET: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC).union(MsFlags::MS_NODEV);

const FILESYSTEMS: [Filesystem; 7] = [
    ("proc", "proc", MsFlags::empty(), ""),
    ("tmpfs", "dev", MsFlags::MS_NOSUID.union(MsFlags::MS_STRICTATIME), "mode=755,size=65536k"),
    ("devpts", "dev/pts", MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC), "newinstance,ptmxmode=0666,mode=0620,gid=5"),
    ("tmpfs", "dev/shm", QUIET, "mode=1777,size=65536k"),
    ("mqueue", "dev/mqueue", QUIET, ""),
    ("sysfs", "sys", QUIET.union(MsFlags::MS_RDONLY), ""),
    ("cgroup2", "sys/fs/cgroup", QUIET.union(MsFlags::MS_RDONLY), ""),
];

/// Name, major, minor: what the runtime-spec calls the default devices.
const DEVICES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
    ("pts/ptmx", "dev/ptmx"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::args().nth(1).ok_or("usage: floor ROOTFS")?;
    enter(&root)?;
    match Command::new("/bin/true").status()?.code() {
        Some(0) => Ok(()),
        _ => Err("/bin/true failed".into()),
    }
}

fn enter(root: &str) -> Result<(), Box<dyn Error>> {
    const NONE: Option<&str> = None;
    unshare(
        CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP,
    )?;
    mount(NONE, "/", NONE, MsFlags::MS_SLAVE | MsFlags::MS_REC, NONE)?;
    mount(Some(root), root, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?;
    chdir(root)?;
    for (kind, target, flags, options) in FILESYSTEMS {
        if target.starts_with("dev/") {
            fs::create_dir(target)?;
        }
        match mount(Some(kind), target, Some(kind), flags, Some(options)) {
            // Where all of cgroup v1 is mounted, v2 may be disabled.
            Err(Errno::EBUSY | Errno::ENODEV) if kind == "cgroup2" => {}
            result => result?,
        }
    }
    for (name, major, minor) in DEVICES {
        let mode = Mode::from_bits_truncate(0o666);
        mknod(format!("dev/{name}").as_str(), SFlag::S_IFCHR, mode, makedev(major, minor))?;
    }
    for (target, path) in LINKS {
        symlink(target, path)?;
    }
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    mount(NONE, "/", NONE, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, NONE)?;
    sethostname("floor")?;
    Ok(())
}
