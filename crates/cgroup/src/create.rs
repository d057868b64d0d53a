//! Making the cgroup that a plan describes.

use crate::{CgroupRef, delegate, device, failure, freezer, members, remove, tree, values};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{self, Mode},
    io::Errno,
};
use wire::{
    Failure,
    plan::{CgroupPlan, Delegation, HierarchyPlan},
};

/// A cgroup that was just made: its directories are open.
#[derive(Debug)]
pub struct Cgroup {
    refs: Vec<CgroupRef>,
    /// One for each of `refs`.
    directories: Vec<OwnedFd>,
    /// Where processes go in the v2 hierarchy, if not there: see [`Delegation::below`].
    inner: Option<OwnedFd>,
    /// Every directory that did not exist before, those above the container's own too.
    made: Vec<CgroupRef>,
}

impl Cgroup {
    /// What the container's record says of it, inodes included. Empty where an optional cgroup could not be made.
    pub fn refs(&self) -> &[CgroupRef] {
        &self.refs
    }

    /// The v2 directory, for clone3(2) with CLONE_INTO_CGROUP.
    pub fn v2_directory(&self) -> Option<BorrowedFd<'_>> {
        let own = || self.members().find(|(reference, _)| reference.version == 2).map(|(_, directory)| directory);
        self.inner.as_ref().or_else(own).map(AsFd::as_fd)
    }

    /// Moves a process in; `skip_v2` when it was cloned into the v2 directory.
    pub fn join(&self, pid: i32, skip_v2: bool) -> Result<(), Failure> {
        for (reference, directory) in self.members() {
            if reference.version == 1 || !skip_v2 {
                let inner = self.inner.as_ref().filter(|_| reference.version == 2);
                tree::write(inner.unwrap_or(directory), "cgroup.procs", &pid.to_string())
                    .map_err(failure("join cgroup", &reference.path))?;
            }
        }
        Ok(())
    }

    /// Restricts devices, where one system call does, and writes the values of the plan that it was made by. May be done while
    /// init already sets itself up in there, as long as the container's program does not run yet.
    pub fn fill(&self, plan: &CgroupPlan) -> Result<(), Failure> {
        if plan.optional && self.refs.is_empty() {
            return Ok(());
        }
        restrict_devices(plan, self, 2)?;
        for (hierarchy, (reference, directory)) in plan.hierarchies.iter().zip(self.members()) {
            values::check((directory, &reference.path), &hierarchy.writes)?;
            values::write((directory, &reference.path), &hierarchy.writes)?;
        }
        Ok(())
    }

    /// Enables controllers for the cgroup that processes are in by [`Delegation::below`], where [`create`] could not as one was in a
    /// unit's cgroup already: the kernel would have made that threaded, or refused (cgroups(7): no internal processes).
    pub fn share(&self, plan: &CgroupPlan) -> Result<(), Failure> {
        let below = plan.delegation.as_ref().and_then(|delegation| delegation.below.as_deref());
        let v2 = plan.hierarchies.iter().zip(&self.refs).find(|(hierarchy, _)| hierarchy.version == 2);
        match (below, v2) {
            (Some(below), Some((hierarchy, reference))) => {
                make_below(hierarchy, reference, below, &hierarchy.controllers).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Removes what [`create`] made, for a container that does not come to life: unlike [`crate::remove`], with the directories above.
    pub fn undo(self) -> Result<(), Failure> {
        remove::remove(&self.refs)?;
        undo(&self.made);
        Ok(())
    }

    fn members(&self) -> impl Iterator<Item = (&CgroupRef, &OwnedFd)> {
        self.refs.iter().zip(&self.directories)
    }
}

/// The directories that [`create`] will make or use, for the record of what is about to exist.
pub fn planned(plan: &CgroupPlan) -> Vec<CgroupRef> {
    let v1_freezer = plan.hierarchies.iter().any(is_v1_freezer);
    plan.hierarchies
        .iter()
        .map(|hierarchy| CgroupRef {
            path: path_of(hierarchy),
            version: hierarchy.version,
            inode: None,
            freezer: if v1_freezer { is_v1_freezer(hierarchy) } else { hierarchy.version == 2 },
        })
        .collect()
}

/// Fails with EBUSY when one of the directories exists and has processes in it or below, or is frozen: a container in there
/// would share its limits and its end with something else, or never run.
pub fn check_unused(plan: &CgroupPlan) -> Result<(), Failure> {
    for reference in planned(plan) {
        let used = match tree::open(&reference).map_err(failure("create cgroup", &reference.path))? {
            None => false,
            Some(directory) => members::any(&directory)
                .and_then(|any| Ok(any || (reference.freezer && freezer::frozen(&directory, reference.version)?)))
                .map_err(failure("create cgroup", &reference.path))?,
        };
        if used {
            return Err(failure("create cgroup", &reference.path)(Errno::BUSY));
        }
    }
    Ok(())
}

/// Makes the directories, with their v1 list of devices. After a failure, what was made is gone. The limits come with [`Cgroup::fill`].
///
/// Directories above the container's own that are missing are made too and stay, as they may be shared.
/// A plan that is `optional` gives a cgroup without directories where the caller may not make any.
pub fn create(plan: &CgroupPlan) -> Result<Cgroup, Failure> {
    let mut made = Vec::new();
    let result = make_directories(plan, &mut made);
    let denied = |failure: &Failure| {
        [Errno::ACCESS, Errno::PERM, Errno::ROFS].iter().any(|errno| errno.raw_os_error() == failure.errno)
    };
    // A v1 list is written entry by entry: init, which makes devices, must not see half of it.
    let result = result.and_then(|(refs, directories)| {
        let inner = hand_over(plan, &refs, &directories)?;
        let cgroup = Cgroup { refs, directories, inner, made: made.clone() };
        restrict_devices(plan, &cgroup, 1).map(|()| cgroup)
    });
    match result {
        Ok(cgroup) => Ok(cgroup),
        Err(failure) => {
            undo(&made);
            let without = || Cgroup { refs: Vec::new(), directories: Vec::new(), inner: None, made: Vec::new() };
            if plan.optional && denied(&failure) { Ok(without()) } else { Err(failure) }
        }
    }
}

/// A container's cgroup, with all its directories open, for a process to join; `below` names a directory in each that it joins instead.
///
/// Fails with ENOENT when one is gone, or was never made.
pub fn open(refs: &[CgroupRef], below: impl Fn(&CgroupRef) -> Option<String>) -> Result<Cgroup, Failure> {
    let mut directories = Vec::with_capacity(refs.len());
    let mut joined = Vec::with_capacity(refs.len());
    for reference in refs {
        let step = || failure("find cgroup", &reference.path);
        let known = reference.inode.map(|_| tree::open(reference)).transpose().map_err(step())?.flatten();
        let directory = known.ok_or(Errno::NOENT).map_err(step())?;
        let (path, directory) = match below(reference) {
            None => (reference.path.clone(), directory),
            Some(name) => {
                let path = format!("{}/{name}", reference.path);
                let found = tree::open_below(&directory, name.as_str()).map_err(failure("find cgroup", &path))?;
                (path, found)
            }
        };
        joined.push(CgroupRef { path, ..reference.clone() });
        directories.push(directory);
    }
    Ok(Cgroup { refs: joined, directories, inner: None, made: Vec::new() })
}

impl Cgroup {
    /// Goes to where process `pid` is in the v2 hierarchy, which must be below; the other hierarchies stay. An init system in a
    /// container moves itself down to be able to have cgroups with limits beside it (cgroups(7): no internal processes).
    pub fn follow(&mut self, pid: i32) -> Result<(), Failure> {
        let own = self.refs.iter_mut().zip(&mut self.directories).find(|(reference, _)| reference.version == 2);
        let Some((reference, directory)) = own else { return Ok(()) };
        let step = || failure("find the cgroup of init below", &reference.path);
        let mut found = None;
        tree::walk(&*directory, |one| {
            if members::read_pids(one)?.contains(&pid) {
                found = Some(rustix::io::fcntl_dupfd_cloexec(one, 0)?);
            }
            Ok(())
        })
        .map_err(step())?;
        *directory = found.ok_or(Errno::NOENT).map_err(step())?;
        Ok(())
    }
}

/// Removes directories that are ours and still empty. Best effort: the failure that led here is what the caller has to know.
fn undo(made: &[CgroupRef]) {
    for directory in made.iter().rev() {
        let _ = remove::now(directory);
    }
}

fn make_directories(plan: &CgroupPlan, made: &mut Vec<CgroupRef>) -> Result<(Vec<CgroupRef>, Vec<OwnedFd>), Failure> {
    let mut refs = planned(plan);
    let mut directories = Vec::new();
    for (hierarchy, reference) in plan.hierarchies.iter().zip(&mut refs) {
        let directory = make_directory(hierarchy, made)?;
        reference.inode = Some(tree::inode_of(&directory).map_err(failure("create cgroup", &reference.path))?);
        directories.push(directory);
    }
    Ok((refs, directories))
}

/// Carries the plan's delegation out, and gives the directory that processes join by it.
fn hand_over(plan: &CgroupPlan, refs: &[CgroupRef], directories: &[OwnedFd]) -> Result<Option<OwnedFd>, Failure> {
    let Some(Delegation { below, owner }) = &plan.delegation else { return Ok(None) };
    let all = plan.hierarchies.iter().zip(refs).zip(directories);
    let Some(((hierarchy, reference), directory)) = all.into_iter().find(|((one, _), _)| one.version == 2) else {
        return Err(failure("delegate cgroup", "without cgroup v2")(Errno::OPNOTSUPP));
    };
    let inner = match below {
        None => None,
        Some(below) => {
            // See [`Cgroup::share`].
            let controllers = if plan.unit.is_some() { &[] } else { hierarchy.controllers.as_slice() };
            Some(make_below(hierarchy, reference, below, controllers)?)
        }
    };
    if let Some(owner) = owner {
        delegate::give(inner.as_ref().unwrap_or(directory), &reference.path, *owner)?;
    }
    Ok(inner)
}

/// The directory that [`Delegation::below`] names, with controllers. It goes with the one above it.
fn make_below(
    hierarchy: &HierarchyPlan,
    above: &CgroupRef,
    below: &str,
    controllers: &[String],
) -> Result<OwnedFd, Failure> {
    let inside = HierarchyPlan {
        mount: above.path.clone(),
        path: below.to_owned(),
        controllers: controllers.to_vec(),
        writes: Vec::new(),
        version: hierarchy.version,
    };
    make_directory(&inside, &mut Vec::new())
}

/// Walks down from the mount, makes what is missing, and prepares each level for the next one.
fn make_directory(hierarchy: &HierarchyPlan, made: &mut Vec<CgroupRef>) -> Result<OwnedFd, Failure> {
    let HierarchyPlan { mount, version, controllers, path, .. } = hierarchy;
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err(failure("create cgroup", path)(Errno::INVAL));
    }
    let mut directory = tree::open_absolute(mount, *version).map_err(failure("find cgroup hierarchy", mount))?;
    let mut here = mount.trim_end_matches('/').to_owned();
    for name in path.split('/') {
        if *version == 2 {
            enable(&directory, &here, hierarchy)?;
        }
        here = format!("{here}/{name}");
        let step = || failure("create cgroup", &here);
        let new = match fs::mkdirat(&directory, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(step()(error)),
        };
        if new {
            let inode = Some(tree::inode_at(&directory, name).map_err(step())?);
            made.push(CgroupRef { path: here.clone(), version: *version, inode, freezer: false });
        }
        let child = tree::open_below(&directory, name).map_err(step())?;
        if *version == 1 && controllers.iter().any(|controller| controller == "cpuset") {
            inherit_cpuset(&directory, &child).map_err(failure("prepare cpuset", &here))?;
        }
        if *version == 2 && new {
            make_usable(&child).map_err(failure("make threaded cgroup", &here))?;
        }
        directory = child;
    }
    Ok(directory)
}

/// Enables controllers for the children of a v2 cgroup, those that are not enabled yet.
///
/// One that can't be is passed over unless a value of the plan needs it: a threaded cgroup has only some, and one with
/// processes of its own can't enable those that distribute memory and the like.
fn enable(directory: &OwnedFd, path: &str, hierarchy: &HierarchyPlan) -> Result<(), Failure> {
    if hierarchy.controllers.is_empty() {
        return Ok(());
    }
    let file = "cgroup.subtree_control";
    let step = || failure("enable cgroup controllers in", path);
    let enabled = tree::read(directory, file).map_err(step())?;
    let missing: Vec<&String> = hierarchy
        .controllers
        .iter()
        .filter(|controller| !enabled.split_whitespace().any(|one| one == controller.as_str()))
        .collect();
    let all = missing.iter().map(|controller| format!("+{controller}")).collect::<Vec<_>>().join(" ");
    if missing.is_empty() || tree::write(directory, file, &all).is_ok() {
        return Ok(());
    }
    for controller in missing {
        let needed = hierarchy.writes.iter().any(|write| write.file.split('.').next() == Some(controller.as_str()));
        match tree::write(directory, file, &format!("+{controller}")) {
            Err(errno) if needed => {
                return Err(failure("enable cgroup controller", &format!("{controller} in {path}"))(errno));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A cgroup below a threaded one is of no use until it is threaded too (cgroup-v2.rst, "Threads").
fn make_usable(directory: &OwnedFd) -> rustix::io::Result<()> {
    match tree::read(directory, "cgroup.type") {
        Ok(kind) if kind.trim() == "domain invalid" => tree::write(directory, "cgroup.type", "threaded"),
        // Before Linux 4.14.
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// A new v1 cpuset has no CPUs and no memory nodes, and admits no process until it has some: it gets its parent's.
fn inherit_cpuset(parent: &OwnedFd, child: &OwnedFd) -> rustix::io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if tree::read(child, file)?.trim().is_empty() {
            tree::write(child, file, tree::read(parent, file)?.trim())?;
        }
    }
    Ok(())
}

/// Applies the device rules through the v1 controller where there is one, else through v2; if that is the `version` asked for.
fn restrict_devices(plan: &CgroupPlan, cgroup: &Cgroup, version: u8) -> Result<(), Failure> {
    if plan.devices.is_empty() {
        return Ok(());
    }
    let rules = device::rules(&plan.devices)?;
    let of_v1 = plan.hierarchies.iter().position(|hierarchy| hierarchy.version == 1 && controls(hierarchy, "devices"));
    let of_v2 = plan.hierarchies.iter().position(|hierarchy| hierarchy.version == 2);
    let Some((reference, directory)) = of_v1.or(of_v2).and_then(|index| cgroup.members().nth(index)) else {
        return Err(failure("restrict devices", "without a cgroup")(Errno::OPNOTSUPP));
    };
    if reference.version != version {
        Ok(())
    } else if version == 1 {
        device::write_list(directory, &rules).map_err(failure("restrict devices of cgroup", &reference.path))
    } else {
        device::attach_filter(directory, &rules).map_err(failure("restrict devices of cgroup", &reference.path))
    }
}

fn controls(hierarchy: &HierarchyPlan, controller: &str) -> bool {
    hierarchy.controllers.iter().any(|one| one == controller)
}

fn is_v1_freezer(hierarchy: &HierarchyPlan) -> bool {
    hierarchy.version == 1 && controls(hierarchy, "freezer")
}

fn path_of(hierarchy: &HierarchyPlan) -> String {
    format!("{}/{}", hierarchy.mount.trim_end_matches('/'), hierarchy.path)
}
