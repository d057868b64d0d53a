//! What is asked of the machine before a plan is made.

use crate::failing::Failing;
use rustix::{
    fs::{CWD, Mode, OFlags, makedev, openat, stat},
    io::Errno,
};
use serde::Serialize;
use std::{fs::File, io::Read, path::Path};
use wire::Failure;

/// `Facts` of src/host/host.ts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The release of uname(2).
    pub kernel: String,
    pub euid: u32,
    pub egid: u32,
    pub in_user_namespace: bool,
    /// The numbers of our effective capabilities.
    pub capabilities: Vec<u8>,
    pub cgroups: Vec<CgroupHierarchy>,
    /// Where resctrl is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resctrl: Option<String>,
}

/// `CgroupHierarchy` of src/host/host.ts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CgroupHierarchy {
    /// Where it is mounted.
    pub mount: String,
    /// 1 or 2.
    pub version: u8,
    pub controllers: Vec<String>,
    /// Our own cgroup, relative to `mount`, with a leading slash.
    pub own: String,
    /// Of v2: what the whole hierarchy is mounted with (cgroup-v2.rst, "Mounting"): `nsdelegate`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// Asks the kernel for all facts; without `cgroups`, those and resctrl are left out.
pub fn facts(cgroups: bool) -> Result<Facts, Failure> {
    let effective = rustix::thread::capabilities(None).failing("look at capabilities", "")?.effective.bits();
    let mounts = if cgroups { read(Path::new("/proc/self/mountinfo"))? } else { String::new() };
    Ok(Facts {
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        euid: rustix::process::geteuid().as_raw(),
        egid: rustix::process::getegid().as_raw(),
        in_user_namespace: !maps_all(&read(Path::new("/proc/self/uid_map"))?),
        capabilities: (0..64).filter(|number| effective >> number & 1 == 1).collect(),
        cgroups: if cgroups { hierarchies(&mounts)? } else { Vec::new() },
        resctrl: mounts.lines().find_map(resctrl),
    })
}

/// Whether a uid_map (user_namespaces(7)) is that of the first user namespace: every uid is itself.
fn maps_all(uid_map: &str) -> bool {
    uid_map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// The mount point of a line of mountinfo that is about resctrl.
fn resctrl(line: &str) -> Option<String> {
    let (place, _) = line.split_once(" - resctrl ")?;
    unescape(place.split(' ').nth(4)?)
}

fn hierarchies(mounts: &str) -> Result<Vec<CgroupHierarchy>, Failure> {
    let own = read(Path::new("/proc/self/cgroup"))?;
    let mut found: Vec<(&str, CgroupHierarchy)> = Vec::new();
    for mount in mounts.lines().filter_map(CgroupMount::parse) {
        let Some((line, hierarchy)) = mount.hierarchy(&own) else { continue };
        // One mounted twice counts once; one that something else is mounted over can't be reached.
        if found.iter().any(|(known, _)| *known == line) || !mount.is_on_top() {
            continue;
        }
        found.push((line, hierarchy));
    }
    found
        .into_iter()
        .map(|(_, hierarchy)| {
            let controllers = match hierarchy.version {
                1 => hierarchy.controllers,
                _ => read(&Path::new(&hierarchy.mount).join("cgroup.controllers"))?
                    .split_ascii_whitespace()
                    .map(str::to_owned)
                    .collect(),
            };
            Ok(CgroupHierarchy { controllers, ..hierarchy })
        })
        .collect()
}

/// A line of /proc/self/mountinfo (proc_pid_mountinfo(5)) about a cgroup file system.
#[derive(Debug, PartialEq, Eq)]
struct CgroupMount<'a> {
    version: u8,
    device: (u32, u32),
    /// The directory of the hierarchy that is at the mount point: below it lies what can be reached.
    root: String,
    point: String,
    options: &'a str,
}

impl<'a> CgroupMount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (place, file_system) = line.split_once(" - ")?;
        let mut file_system = file_system.split(' ');
        let version = match file_system.next()? {
            "cgroup" => 1,
            "cgroup2" => 2,
            _ => return None,
        };
        let options = file_system.nth(1).unwrap_or_default();
        let mut place = place.split(' ').skip(2);
        let (major, minor) = place.next()?.split_once(':')?;
        let device = (major.parse().ok()?, minor.parse().ok()?);
        let (root, point) = (unescape(place.next()?)?, unescape(place.next()?)?);
        Some(Self { version, device, root, point, options })
    }

    /// The line of /proc/self/cgroup (cgroups(7)) about this hierarchy, and what both say; none when our own cgroup is not
    /// below the mount.
    fn hierarchy<'b>(&self, own: &'b str) -> Option<(&'b str, CgroupHierarchy)> {
        own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let controllers: Vec<String> =
                controllers.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
            let is_this = match self.version {
                1 => {
                    let has = |controller: &String| self.options.split(',').any(|option| option == controller);
                    !controllers.is_empty() && controllers.iter().all(has)
                }
                _ => line.starts_with("0::"),
            };
            let own = is_this.then(|| below(&self.root, path)).flatten()?;
            let (mount, options) = (self.point.clone(), self.own_options());
            Some((line, CgroupHierarchy { mount, version: self.version, controllers, own, options }))
        })
    }

    /// The options of cgroup2: all that it has are words. `seclabel` is SELinux's, which takes it from nobody.
    fn own_options(&self) -> Vec<String> {
        let is_own = |option: &&str| !matches!(*option, "" | "rw" | "ro" | "seclabel") && !option.contains('=');
        let words = self.options.split(',').filter(|_| self.version == 2);
        words.filter(is_own).map(str::to_owned).collect()
    }

    fn is_on_top(&self) -> bool {
        let (major, minor) = self.device;
        stat(&self.point).is_ok_and(|found| found.st_dev == makedev(major, minor))
    }
}

/// `path` as seen from `root`, with a leading slash.
fn below(root: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(root.trim_end_matches('/'))?;
    match rest {
        "" => Some("/".to_owned()),
        rest if rest.starts_with('/') => Some(rest.to_owned()),
        _ => None,
    }
}

/// Undoes the octal escapes of mountinfo: `\040` is a space.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let escaped = behind.get(..3).filter(|_| *byte == b'\\').and_then(|digits| str::from_utf8(digits).ok());
        if let Some(code) = escaped.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(code);
            rest = behind.get(3..).unwrap_or_default();
        } else {
            bytes.push(*byte);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

fn read(path: &Path) -> Result<String, Failure> {
    let name = || path.to_string_lossy().into_owned();
    let failure = |errno: Errno| Failure::new("read", name(), errno.raw_os_error());
    let file = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(failure)?;
    let mut bytes = Vec::with_capacity(4096);
    File::from(file)
        .read_to_end(&mut bytes)
        .map_err(|error| failure(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    // A mount point need not be UTF-8; one that is not is not a place for our cgroups.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
