//! Mapping the ids of init's new user namespace (user_namespaces(7)).

use crate::failing::Failing;
use rustix::io::Errno;
use std::{fs, path::Path, process::Command};
use wire::{
    Failure,
    plan::{IdMap, IdMaps},
};

/// Where newuidmap(1) and newgidmap(1) may be; never looked up in a PATH that somebody else set.
const HELPER_DIRECTORIES: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/bin", "/run/wrappers/bin"];

/// Maps the ids of process `pid`, a child of ours that waits for it.
pub fn write(pid: i32, maps: &IdMaps) -> Result<(), Failure> {
    if maps.helpers {
        run_helper("newuidmap", pid, &maps.uids)?;
        return run_helper("newgidmap", pid, &maps.gids);
    }
    let write = |file: &str, text: &str| fs::write(format!("/proc/{pid}/{file}"), text).failing("write", file);
    write("uid_map", &lines(&maps.uids))?;
    if maps.deny_setgroups {
        write("setgroups", "deny")?;
    }
    write("gid_map", &lines(&maps.gids))
}

fn lines(map: &[IdMap]) -> String {
    map.iter().map(|IdMap { inside, outside, size }| format!("{inside} {outside} {size}\n")).collect()
}

fn run_helper(name: &str, pid: i32, map: &[IdMap]) -> Result<(), Failure> {
    let path = HELPER_DIRECTORIES.iter().map(|directory| Path::new(directory).join(name)).find(|path| path.exists());
    let path = path.ok_or(Errno::NOENT).failing("map ids through", name)?;
    let numbers = map.iter().flat_map(|IdMap { inside, outside, size }| [inside, outside, size]).map(u32::to_string);
    let mut helper = Command::new(path);
    helper.arg(pid.to_string()).args(numbers).env_clear();
    let output = sys::command::unblock_signals(&mut helper).output().failing("run", name)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(&format!("map ids: {name} said:"), said.trim(), 0))
}
