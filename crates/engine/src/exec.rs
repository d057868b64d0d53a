//! Another process in a container that is there: in its namespaces, its cgroup and its session keyring, by the steps of a plan.
//!
//! Nothing is changed about the container, and nothing is recorded: the process is found by its cgroup. While it is being started,
//! the container's lock is shared, so that nobody deletes or pauses the container halfway.

use crate::{
    agent::Agent,
    console,
    failing::Failing,
    helper::{self, Helper, Process},
    launch::Launched,
    pid_file,
    record::{Identity, Record},
    store::ContainerDir,
};
use cgroup::{Cgroup, CgroupRef};
use rustix::{
    fd::{AsFd, IntoRawFd, OwnedFd},
    fs::{self, AtFlags, Mode, OFlags},
    io::Errno,
};
use wire::{
    Failure,
    frame::ToInit,
    plan::{ExecPlan, InitPlan, NamespaceKind, Step, SubCgroup},
};

/// Carries a plan out. Returns when the process has become its program; after a failure there is none.
///
/// Fails with step `exec in container`: ESRCH when its init is gone, EBUSY when it is paused.
pub fn exec(plan: ExecPlan) -> Result<Launched, Failure> {
    const STEP: &str = "exec in container";
    helper::check_descriptors(&plan.descriptors)?;
    let container = ContainerDir::open_shared(&plan.root, &plan.id)?;
    let record = container.read_record()?;
    let open = record.init.map(|init| Ok((init, init.open()?))).transpose()?;
    let Some((Identity { pid, .. }, Some(pidfd))) = open else { return Err(Errno::SRCH).failing(STEP, &plan.id) };
    // A process that joins a paused cgroup stands still at once, and we with it: whoever resumes it must not wait for us.
    let paused = cgroup::is_frozen(&record.cgroup)?;
    if paused && !plan.ignore_paused {
        return Err(Errno::BUSY).failing(STEP, &plan.id);
    }
    let filter = if plan.seccomp { Some(container.read_filter()?) } else { None };
    let _lock = (!paused).then_some(container);

    let place = plan.cgroup.clone();
    let mut cgroup = cgroup::open(&record.cgroup, |reference| below(place.as_deref(), reference))?;
    let start = |cgroup: &Cgroup| {
        Helper::start(&helper::Start {
            descriptors: &plan.descriptors,
            extra: Some(pidfd.as_fd()),
            pid_namespace: false,
            cgroup: Some(cgroup),
            oom_score_adj: plan.oom_score_adj,
            hard_limits: &plan.hard_limits,
            cpus: plan.first_cpus.as_deref(),
        })
    };
    let mut helper = match start(&cgroup) {
        Err(failure) if plan.cgroup.is_none() && has_internal_processes(&failure) => {
            cgroup.follow(pid)?;
            start(&cgroup)?
        }
        helper => helper?,
    };
    let enter = Some(namespaces_to_enter(pid)?);
    let init = InitPlan { enter, steps: steps(&record, plan.steps), filter, ..InitPlan::default() };
    let mut agent = Agent::new(record.agent.as_ref().filter(|_| plan.seccomp), &record, "running");
    let outcome = lead(&mut helper, &init, plan.console_socket.as_deref(), &mut agent).and_then(|console| {
        let Process { pid, pidfd } = helper.process()?;
        if let Some(path) = &plan.pidfd_socket {
            console::send_pidfd(path, pidfd.as_fd(), "setns")?;
        }
        // Last: conmon takes it for the sign of success.
        if let Some(path) = &plan.pid_file {
            pid_file::write(path, *pid)?;
        }
        Ok(console)
    });
    match outcome {
        Ok(console) => {
            let Process { pid, pidfd } = helper.into_process()?;
            let console = console.map(IntoRawFd::into_raw_fd);
            Ok(Launched { pid, pidfd: pidfd.into_raw_fd(), console, unknown_calls: Vec::new() })
        }
        Err(failure) => {
            helper.end();
            Err(failure)
        }
    }
}

/// Sees the helper through to its program; gives the master of its terminal, if that stays with us.
fn lead(
    helper: &mut Helper,
    init: &InitPlan,
    console_socket: Option<&str>,
    agent: &mut Agent<'_>,
) -> Result<Option<OwnedFd>, Failure> {
    helper.send(&ToInit::Plan(init))?;
    // The terminal is where it belongs, and set up, before the program can use it.
    let console = helper.take_terminal(&init.steps, console_socket)?;
    // Whoever is not there any more to hear it has left a message that says why.
    let _ = helper.send(&ToInit::Commit);
    helper.follow(false, agent)?;
    Ok(console)
}

/// The plan's steps, less what the record says that the container goes without.
fn steps(record: &Record, mut steps: Vec<Step>) -> Vec<Step> {
    steps.retain(|step| !(record.shares_keyring && matches!(step, Step::SessionKeyring { .. })));
    steps
}

/// Where below a directory of the container's cgroup the process belongs; none for there itself.
fn below(place: Option<&[SubCgroup]>, reference: &CgroupRef) -> Option<String> {
    let here = |one: &&SubCgroup| {
        reference.path.strip_prefix(one.mount.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    let found = place?.iter().find(here)?;
    (!found.path.is_empty()).then(|| found.path.clone())
}

/// Whether a v2 cgroup has refused a process since it distributes its resources among its children.
fn has_internal_processes(failure: &Failure) -> bool {
    [Errno::BUSY, Errno::OPNOTSUPP].iter().any(|errno| errno.raw_os_error() == failure.errno)
}

/// Those of a process's namespaces that are not ours.
pub(crate) fn namespaces_to_enter(pid: i32) -> Result<Vec<NamespaceKind>, Failure> {
    const KINDS: [(NamespaceKind, &str); 8] = [
        (NamespaceKind::User, "user"),
        (NamespaceKind::Pid, "pid"),
        (NamespaceKind::Mount, "mnt"),
        (NamespaceKind::Network, "net"),
        (NamespaceKind::Ipc, "ipc"),
        (NamespaceKind::Uts, "uts"),
        (NamespaceKind::Cgroup, "cgroup"),
        (NamespaceKind::Time, "time"),
    ];
    let path = format!("/proc/{pid}/ns");
    let open = |path: &str| fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let different = || {
        let (ours, theirs) = (open("/proc/self/ns")?, open(&path)?);
        let mut kinds = Vec::with_capacity(KINDS.len());
        for (kind, name) in KINDS {
            let of =
                |directory| fs::statat(directory, name, AtFlags::empty()).map(|found| (found.st_dev, found.st_ino));
            match (of(&ours), of(&theirs)) {
                // A kernel without this kind.
                (Err(Errno::NOENT), Err(Errno::NOENT)) => {}
                (ours, theirs) if ours? == theirs? => {}
                _ => kinds.push(kind),
            }
        }
        Ok(kinds)
    };
    different().map_err(|errno: Errno| if errno == Errno::NOENT { Errno::SRCH } else { errno }).failing("look at", path)
}
