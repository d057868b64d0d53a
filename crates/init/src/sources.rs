//! Host objects that steps need, taken hold of before the container's view begins: each is resolved once, by the caller's rules,
//! and afterwards there is only the descriptor.

use crate::{failing::Failing, mapped_ids::UserNamespaces};
use alloc::{string::String, vec::Vec};
use hook::Output;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, FileType, Mode, OFlags, fstat, major, minor, openat, readlinkat},
    io::{self, Errno, fcntl_dupfd_cloexec},
    mount::{OpenTreeFlags, open_tree},
};
use sys::mount::{Change, change, map_ids};
use wire::{
    Failure,
    plan::{InitPlan, MappedIds, Mount, Mounted, Overlay, Propagation, SourceLink, Step},
};

/// What was taken hold of.
#[derive(Default)]
pub struct Sources {
    /// By the number of the step that needs it.
    by_step: Vec<Option<Taken>>,
    /// The host's null device, for all masked files: its own, not what an image calls so (CVE-2025-31133). One, because a mount
    /// that is taken and not used costs its closing an RCU grace period.
    pub null: Option<OwnedFd>,
    /// Where hooks write, with the numbers of their steps.
    outputs: Vec<(usize, Output)>,
}

/// What a step may need.
pub enum Taken {
    Source(Source),
    /// What a symbolic link says that is to be copied.
    Link(String),
    /// For a file system that is yet to be made: the ids of its mount.
    UserNamespace(OwnedFd),
}

/// A host object.
pub struct Source {
    /// A detached copy of the mount.
    pub mount: OwnedFd,
    pub is_directory: bool,
    /// The object itself, opened: for a terminal.
    pub open: Option<OwnedFd>,
}

impl Sources {
    /// The object for the step at `index`, which is handed over.
    pub fn claim(&mut self, index: usize, step: &str) -> Result<Source, Failure> {
        match self.take(index) {
            Some(Taken::Source(source)) => Ok(source),
            _ => Err(Failure::new(step, "", Errno::BADF.raw_os_error())),
        }
    }

    /// Whatever there is for the step at `index`.
    pub fn take(&mut self, index: usize) -> Option<Taken> {
        self.by_step.get_mut(index).and_then(Option::take)
    }

    /// Where the hooks of the step at `index` write.
    pub fn output(&self, index: usize) -> Result<&Output, Failure> {
        let found = self.outputs.iter().find(|(step, _)| *step == index);
        found
            .map(|(_, output)| output)
            .ok_or_else(|| Failure::new("find output of hooks", "", Errno::BADF.raw_os_error()))
    }
}

/// Opens every source that the plan names.
pub fn take(plan: &InitPlan) -> Result<Sources, Failure> {
    let propagation = plan.bind_propagation.or_else(|| {
        plan.steps.iter().find_map(|step| match step {
            Step::HostPropagation { to } => Some(*to),
            _ => None,
        })
    });
    let mut namespaces = UserNamespaces::default();
    let mut by_step = Vec::with_capacity(plan.steps.len());
    let mut outputs = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        by_step.push(match step {
            Step::Rootfs { path, id_map, .. } => {
                let source = rootfs(path, propagation)?;
                with_ids(&source, path, id_map.as_ref(), &mut namespaces)?;
                Some(Taken::Source(source))
            }
            Step::Overlay(Overlay { changes: Some(path), id_map, .. }) => {
                let source = mount("open the directory of changes", path, false, propagation)?;
                with_ids(&source, path, id_map.as_ref(), &mut namespaces)?;
                Some(Taken::Source(source))
            }
            Step::Mount(one) => for_mount(one, propagation, &mut namespaces)?,
            Step::HostDevice { path, kind, major, minor, mode } => {
                let otherwise = "bind another device than the config's from";
                let source = device(path, kind == "b", (*major, *minor), otherwise, propagation)?;
                let is_other = |mode: &u32| -> io::Result<bool> { Ok(fstat(&source.mount)?.st_mode & 0o7777 != *mode) };
                if mode.as_ref().map_or(Ok(false), is_other).failing("look at", path)? {
                    return Err(Errno::PERM).failing("give another mode than the host's to", path);
                }
                Some(Taken::Source(source))
            }
            Step::Terminal(terminal) => match &terminal.slave {
                Some(path) => Some(Taken::Source(pty_slave(path)?)),
                None => None,
            },
            Step::CreateContainerHooks(hooks) | Step::StartContainerHooks(hooks) => {
                outputs.push((index, Output::open(&hooks.output)?));
                None
            }
            _ => None,
        });
    }
    let masks = plan.steps.iter().any(|step| matches!(step, Step::MaskedPath { .. }));
    let null = if masks { Some(null_device(propagation)?.mount) } else { None };
    Ok(Sources { by_step, null, outputs })
}

fn rootfs(path: &str, propagation: Option<Propagation>) -> Result<Source, Failure> {
    const STEP: &str = "open rootfs";
    let source = mount(STEP, path, true, propagation)?;
    if propagation == Some(Propagation::Shared) {
        // pivot_root(2) refuses a shared mount: it becomes one again afterwards.
        change(source.mount.as_fd(), false, Change::propagation(propagation_bit(Propagation::Slave)))
            .failing(STEP, path)?;
    }
    Ok(source)
}

/// Has all of a mount shown with these ids, if any.
fn with_ids<'a>(
    source: &Source,
    path: &str,
    ids: Option<&'a MappedIds>,
    namespaces: &mut UserNamespaces<'a>,
) -> Result<(), Failure> {
    let Some(ids) = ids else { return Ok(()) };
    map_ids(source.mount.as_fd(), true, namespaces.with(ids)?).failing("map the ids of", path)
}

fn for_mount<'a>(
    one: &'a Mount,
    propagation: Option<Propagation>,
    namespaces: &mut UserNamespaces<'a>,
) -> Result<Option<Taken>, Failure> {
    const STEP: &str = "open mount source";
    let Mounted::Bind { source: path, recursive, link } = &one.what else {
        let Some(map) = &one.id_map else { return Ok(None) };
        let namespace = fcntl_dupfd_cloexec(namespaces.with(&map.ids)?, 0).failing("map ids of", &one.target)?;
        return Ok(Some(Taken::UserNamespace(namespace)));
    };
    let source = match link {
        None => mount(STEP, path, *recursive, propagation)?,
        Some(SourceLink::Bind) => clone(STEP, path, *recursive, OpenTreeFlags::AT_SYMLINK_NOFOLLOW, propagation)?,
        Some(SourceLink::Copy) => match readlinkat(CWD, path.as_str(), Vec::new()) {
            Ok(text) => {
                let text = text.into_string().map_err(|_| Errno::ILSEQ).failing("copy link", path)?;
                return Ok(Some(Taken::Link(text)));
            }
            // Not a link.
            Err(Errno::INVAL) => mount(STEP, path, *recursive, propagation)?,
            Err(errno) => return Err(errno).failing(STEP, path),
        },
    };
    if let Some(map) = &one.id_map {
        // By the caller's rights: it takes those over the whole file system.
        map_ids(source.mount.as_fd(), map.recursive, namespaces.with(&map.ids)?).failing("map the ids of", path)?;
    }
    Ok(Some(Taken::Source(source)))
}

fn mount(step: &str, path: &str, recursive: bool, propagation: Option<Propagation>) -> Result<Source, Failure> {
    clone(step, path, recursive, OpenTreeFlags::empty(), propagation)
}

fn clone(
    step: &str,
    path: &str,
    recursive: bool,
    mut flags: OpenTreeFlags,
    propagation: Option<Propagation>,
) -> Result<Source, Failure> {
    flags |= OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    let mount = open_tree(CWD, path, flags).failing(step, path)?;
    // A copy of a shared mount is its peer: what is mounted in the container would appear on the host.
    if let Some(to) = propagation.filter(|to| *to != Propagation::Shared) {
        change(mount.as_fd(), recursive, Change::propagation(propagation_bit(to))).failing(step, path)?;
    }
    let is_directory = FileType::from_raw_mode(fstat(&mount).failing(step, path)?.st_mode) == FileType::Directory;
    Ok(Source { mount, is_directory, open: None })
}

fn null_device(propagation: Option<Propagation>) -> Result<Source, Failure> {
    const PATH: &str = "/dev/null";
    device(PATH, false, (1, 3), "mask paths without the null device", propagation)
}

/// The host's device of that number at a path. `otherwise` is what it would be to take another.
fn device(
    path: &str,
    block: bool,
    number: (u32, u32),
    otherwise: &str,
    propagation: Option<Propagation>,
) -> Result<Source, Failure> {
    let source = mount("open device", path, false, propagation)?;
    let found = fstat(&source.mount).failing("look at", path)?;
    let kind = if block { FileType::BlockDevice } else { FileType::CharacterDevice };
    let is_it =
        FileType::from_raw_mode(found.st_mode) == kind && (major(found.st_rdev), minor(found.st_rdev)) == number;
    if is_it { Ok(source) } else { Err(Errno::NODEV).failing(otherwise, path) }
}

fn pty_slave(path: &str) -> Result<Source, Failure> {
    const STEP: &str = "open console";
    let open = openat(CWD, path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).failing(STEP, path)?;
    if !rustix::termios::isatty(&open) {
        return Err(Errno::NOTTY).failing(STEP, path);
    }
    let mount = sys::mount::clone(open.as_fd(), false).failing(STEP, path)?;
    change(mount.as_fd(), false, Change::propagation(propagation_bit(Propagation::Private))).failing(STEP, path)?;
    Ok(Source { mount, is_directory: false, open: Some(open) })
}

/// The MS_* bit of a propagation type.
pub fn propagation_bit(propagation: Propagation) -> u64 {
    use sys::mount::propagation::{PRIVATE, SHARED, SLAVE, UNBINDABLE};
    match propagation {
        Propagation::Shared => SHARED,
        Propagation::Slave => SLAVE,
        Propagation::Private => PRIVATE,
        Propagation::Unbindable => UNBINDABLE,
    }
}
