//! Runs a plan's steps in order: one exhaustive match.

use crate::{
    attributes,
    channel::Channel,
    credentials, devices,
    failing::Failing,
    filesystem, filter, gate, hooks, labels, masks,
    masks::Covers,
    mounts, namespaces, pivot,
    procfs::PrivateProc,
    program,
    program::Prepared,
    root::{Missing, Root},
    sources::{Sources, propagation_bit},
    terminal,
};
use alloc::{ffi::CString, format, vec::Vec};
use core::convert::Infallible;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, Mode, OFlags, ResolveFlags, openat},
    io::{Errno, fcntl_dupfd_cloexec},
    process::{fchdir, umask},
    system::{setdomainname, sethostname},
};
use sys::{
    credentials::{resource_name, set_resource_limit},
    mount::{Change, attribute, change},
};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{InitPlan, Mounted, Overlay, Program, Special, Step},
};

/// What steps leave for later ones.
struct Progress<'a> {
    plan: &'a InitPlan,
    sources: Sources,
    root: Option<Root>,
    /// Where the root is attached among the host's mounts.
    place: &'a str,
    /// Mounts that are yet to be made read-only, and where they are.
    writable_meanwhile: Vec<(OwnedFd, &'a str)>,
    covers: Covers,
    proc: PrivateProc,
    /// Whether the standard streams are a terminal that is to control the session.
    has_terminal: bool,
    prepared: Option<Prepared>,
    /// The mounts that a plan for a container which is there has made so far.
    made: Vec<OwnedFd>,
    gate: Option<OwnedFd>,
    first_own: i32,
}

/// What there is before the first step.
#[derive(Default)]
pub struct Begun {
    pub sources: Sources,
    /// That of a container which is there already.
    pub root: Option<Root>,
    pub proc: PrivateProc,
    pub gate: Option<OwnedFd>,
}

/// Runs every step; the last one does not return unless it fails.
pub fn run(plan: &InitPlan, begun: Begun, channel: &mut Channel, first_own: i32) -> Result<Infallible, Failure> {
    let Begun { mut sources, root, proc, gate } = begun;
    let covers = Covers::new(sources.null.take());
    let mut progress = Progress {
        plan,
        sources,
        root,
        place: "/",
        writable_meanwhile: Vec::new(),
        covers,
        proc,
        has_terminal: false,
        prepared: None,
        made: Vec::new(),
        gate,
        first_own,
    };
    for (index, step) in plan.steps.iter().enumerate() {
        progress.run(index, step, channel).inspect_err(|_| progress.undo())?;
    }
    Err(Failure::new("run a plan without a program", "", Errno::INVAL.raw_os_error()))
}

impl<'a> Progress<'a> {
    fn run(&mut self, index: usize, step: &'a Step, channel: &mut Channel) -> Result<(), Failure> {
        match step {
            Step::LoopbackUp => sys::network::set_loopback_up().failing("set the loopback interface up", ""),
            Step::HostPropagation { to } => {
                let top = openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).failing("open", "/")?;
                change(top.as_fd(), true, Change::propagation(propagation_bit(*to)))
                    .failing("change the propagation of", "/")
            }
            Step::Rootfs { path, in_place, .. } => {
                let source = self.sources.claim(index, "attach rootfs")?;
                self.place = if *in_place { path } else { "/" };
                pivot::attach(&source.mount, self.place).failing("attach rootfs", path)?;
                self.root = Some(Root::new(source.mount));
                Ok(())
            }
            Step::Overlay(one) => self.lay_over(index, one),
            Step::Mount(mount) => {
                let root = self.root.as_mut().ok_or_else(no_root)?;
                let mounted = mounts::mount(root, &mut self.sources, index, mount)?;
                let is_new = !matches!(mount.what, Mounted::Existing { .. });
                if let (true, Some(mounted), Some(_)) = (is_new, &mounted, &self.plan.enter) {
                    self.made.push(fcntl_dupfd_cloexec(mounted, 0).failing("keep the mount on", &mount.target)?);
                }
                if let Some(mounted) = mounted.filter(|_| mount.special.contains(&Special::ReadonlyLast)) {
                    self.writable_meanwhile.push((mounted, &mount.target));
                }
                Ok(())
            }
            Step::Device(device) => devices::make(self.root()?, device),
            Step::HostDevice { path, .. } => {
                let root = self.root.as_ref().ok_or_else(no_root)?;
                devices::bind_host(root, &mut self.sources, index, path)
            }
            Step::Link { target, path, replace } => devices::link(self.root()?, target, path, *replace),
            Step::Directory { path } => {
                self.root()?.find_or_make(path, Missing::Directory).map(drop).failing("make directory", path)
            }
            Step::HostHooks => hooks::wait_for_host(channel),
            Step::CreateContainerHooks(one) => {
                fchdir(self.root()?.as_fd()).failing("chdir to", "the root")?;
                hooks::run("createContainer", one, self.sources.output(index)?, None)?;
                channel.send(&FromInit::HooksRun)
            }
            Step::PivotRoot => pivot::pivot(self.root()?),
            Step::MoveRoot => pivot::enter(self.root()?, self.place != "/"),
            Step::Terminal(one) => {
                let root = self.root.as_ref().ok_or_else(no_root)?;
                terminal::set_up(root, &mut self.sources, index, one, channel)?;
                self.has_terminal = true;
                Ok(())
            }
            Step::NewSession => terminal::begin_session(self.has_terminal),
            Step::SessionKeyring { name, label } => join_keyring(&mut self.proc, name, label.as_deref()),
            Step::RootPropagation { to, recursive } => {
                change(self.root()?.as_fd(), *recursive, Change::propagation(propagation_bit(*to)))
                    .failing("change the propagation of", "the root")
            }
            Step::ReadonlyRoot => change(self.root()?.as_fd(), false, Change::set(attribute::RDONLY))
                .failing("make read-only", "the root"),
            Step::ReadonlyMounts => self.writable_meanwhile.drain(..).try_for_each(|(mounted, path)| {
                change(mounted.as_fd(), false, Change::set(attribute::RDONLY)).failing("make read-only", path)
            }),
            Step::Hostname { name } => sethostname(name.as_bytes()).failing("set hostname", name),
            Step::Domainname { name } => setdomainname(name.as_bytes()).failing("set domainname", name),
            Step::Sysctl { path, value } => self.proc.write(&format!("sys/{path}"), value).failing("set sysctl", path),
            Step::ReadonlyPath { path } => masks::make_read_only(self.root()?, path),
            Step::MaskedPath { path, label } => {
                let root = self.root.as_ref().ok_or_else(no_root)?;
                masks::mask(root, &mut self.covers, path, label.as_deref())
            }
            Step::RequireSelinux { field } => labels::require_selinux(&mut self.proc, field),
            Step::SelinuxLabel { label } => labels::set_selinux(&mut self.proc, label),
            Step::ApparmorProfile { profile } => labels::set_apparmor(&mut self.proc, profile),
            Step::Umask { mask } => {
                umask(Mode::from_raw_mode(*mask));
                Ok(())
            }
            Step::Scheduler(scheduler) => attributes::schedule(scheduler),
            Step::IoPriority { class, priority } => {
                sys::attributes::set_group_io_priority(*class, *priority).failing("apply", "process.ioPriority")
            }
            Step::Personality { domain } => {
                sys::attributes::set_personality(*domain).failing("apply", "linux.personality")
            }
            Step::MemoryPolicy { mode, nodes } => {
                sys::attributes::set_memory_policy(*mode, nodes).failing("apply", "linux.memoryPolicy")
            }
            Step::CpuAffinity { cpus } => {
                sys::attributes::set_cpu_affinity(0, cpus).failing("apply", "process.execCPUAffinity")
            }
            Step::Rlimit { resource, soft, hard } => {
                set_resource_limit(*resource, soft.0, hard.0).failing("set process.rlimits", resource_name(*resource))
            }
            Step::Credentials(one) => credentials::assume(one),
            Step::WorkingDirectory { path } => self.change_directory(path),
            Step::FindProgram => {
                self.prepared = Some(program::prepare(self.program()?, self.root()?)?);
                Ok(())
            }
            Step::Commit => {
                channel.expect("hear that the record is written", |message| matches!(message, ToInit::Commit))?;
                // From here on the record names us: whoever deletes the container finds us.
                sys::process::set_parent_death_signal(0).failing("outlive the engine", "")
            }
            Step::Fork => namespaces::fork_into_entered(self.plan, channel),
            Step::Gate => {
                let gate =
                    self.gate.take().ok_or_else(|| Failure::new("wait for start", "", Errno::BADF.raw_os_error()))?;
                channel.send(&FromInit::Ready)?;
                // Whoever created us is done: from here on it is `start` that hears of failures.
                *channel = gate::wait(&gate)?;
                Ok(())
            }
            Step::NoNewPrivileges => rustix::thread::set_no_new_privs(true).failing("set no_new_privs", ""),
            Step::StartContainerHooks(one) => {
                hooks::run("startContainer", one, self.sources.output(index)?, self.plan.filter.as_ref())
            }
            Step::Exec(program) => self.execute(program, channel),
            Step::Unmount { path } => {
                let root = self.root.as_ref().ok_or_else(no_root)?;
                mounts::unmount(root, &mut self.proc, path)
            }
            Step::Done => {
                channel.send(&FromInit::Done)?;
                sys::process::exit(0)
            }
        }
    }

    /// After a failure, a container that is there has the mounts that it had.
    fn undo(&mut self) {
        while let Some(made) = self.made.pop() {
            // What fails is what is to be told of.
            let _ = self.proc.unmount(&made);
        }
    }

    fn root(&self) -> Result<&Root, Failure> {
        self.root.as_ref().ok_or_else(no_root)
    }

    /// An overlay takes only layers that are attached, and keeps mounts of its own of them: they are covered then.
    fn lay_over(&mut self, index: usize, overlay: &Overlay) -> Result<(), Failure> {
        const STEP: &str = "lay changes over";
        let root = fcntl_dupfd_cloexec(self.root()?.as_fd(), 0).failing(STEP, "the root")?;
        let changes = match &overlay.changes {
            Some(_) => self.sources.claim(index, STEP)?.mount,
            None => filesystem::create("tmpfs", &[], "the root", Some(&root))?,
        };
        pivot::attach(&changes, self.place).failing(STEP, "the root")?;
        let over = filesystem::create_overlay(&root, &changes, &overlay.parameters)?;
        pivot::attach(&over, self.place).failing(STEP, "the root")?;
        self.root = Some(Root::new(over));
        Ok(())
    }

    fn program(&self) -> Result<&Program, Failure> {
        match self.plan.steps.last() {
            Some(Step::Exec(program)) => Ok(program),
            _ => Err(Failure::new("find program", "", Errno::INVAL.raw_os_error())),
        }
    }

    /// A directory outside the root could only come from a descriptor that leaked in (CVE-2024-21626): links of procfs are not
    /// followed, and the kernel's own name of where we are must begin at the root.
    fn change_directory(&self, path: &str) -> Result<(), Failure> {
        const STEP: &str = "chdir to";
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let directory = self.root()?.open(path, flags, ResolveFlags::empty()).failing(STEP, path)?;
        fchdir(&directory).failing(STEP, path)?;
        let mut buffer = [0; 4096];
        match sys::process::current_directory(&mut buffer).failing(STEP, path)? {
            [b'/', ..] => Ok(()),
            _ => Err(Errno::NOENT).failing("chdir out of the root to", path),
        }
    }

    fn execute(&mut self, program: &Program, channel: &Channel) -> Result<(), Failure> {
        let mut prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            None => program::prepare(program, self.root()?)?,
        };
        let first_own = u32::try_from(self.first_own).unwrap_or(3);
        sys::process::close_from_on_exec(first_own).failing("close descriptors", "")?;
        // After that only execve(2) is called: that, and no other call of ours, a filter has to let through.
        match &self.plan.filter {
            Some(filter) => filter::announce_and_load(filter, channel)?,
            None => channel.send(&FromInit::Exec)?,
        }
        let Err(failure) = prepared.execute();
        Err(failure)
    }
}

fn no_root() -> Failure {
    Failure::new("act on a root that is not attached", "", Errno::INVAL.raw_os_error())
}

fn join_keyring(proc: &mut PrivateProc, name: &str, label: Option<&str>) -> Result<(), Failure> {
    const STEP: &str = "join session keyring";
    if let Some(label) = label {
        labels::set_key_label(proc, label)?;
    }
    let text = CString::new(name).map_err(|_| Failure::new(STEP, name, Errno::INVAL.raw_os_error()))?;
    match sys::keyring::join_session(&text) {
        // A kernel without keyrings has none to protect.
        Ok(()) | Err(Errno::NOSYS) => {}
        Err(errno) => return Err(errno).failing(STEP, name),
    }
    if label.is_some() { labels::set_key_label(proc, "") } else { Ok(()) }
}
