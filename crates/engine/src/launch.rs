//! A container comes into being: record, cgroup, init, plan; or nothing of it stays.
//!
//! The order is what makes `delete --force` work after a death at any moment: the record says what is about to exist before it
//! exists, and init goes on without us only after the record names it.

use crate::{
    agent::{self, Agent},
    console,
    failing::Failing,
    filter, gate,
    helper::{self, Helper, Process},
    hooks::{self, Failed},
    pid_file,
    record::{Identity, Record, Unit},
    resctrl,
    store::ContainerDir,
};
use cgroup::Cgroup;
use rustix::{
    fd::{AsFd, IntoRawFd},
    fs::{Mode, mkdirat},
    io::Errno,
};
use serde::Serialize;
use std::fs;
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{HierarchyPlan, LaunchPlan, Step, UnitPlan},
};

/// A container's init as this process holds it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Launched {
    /// In our PID namespace.
    pub pid: i32,
    pub pidfd: i32,
    /// The pty master, with a terminal and no console socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<i32>,
    /// Names in the seccomp section of system calls that this machine doesn't have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_calls: Vec<String>,
}

/// Carries a plan out. Returns when init waits at the gate, or has become the program in a plan without a gate. `config` is kept
/// for those who have to know later what the container was made from.
pub fn launch(mut plan: LaunchPlan, config: &str) -> Result<Launched, Failed> {
    let mut unknown_calls = Vec::new();
    let mut agent = None;
    if let Some(section) = plan.seccomp.take() {
        let compiled = filter::compile_section(&section)?;
        plan.init.filter = Some(compiled.filter);
        unknown_calls = compiled.unknown;
        agent = compiled.agent;
    }
    carry_out(&plan, config, agent).map(|launched| Launched { unknown_calls, ..launched })
}

fn carry_out(plan: &LaunchPlan, config: &str, agent: Option<agent::Address>) -> Result<Launched, Failed> {
    helper::check_descriptors(&plan.descriptors)?;
    let directory = ContainerDir::create(&plan.record.root, &plan.record.id)?;
    let mut made =
        Made { plan, directory, cgroup: None, helper: None, pid_file: false, resctrl: Vec::new(), unit: None };
    match made.carry_out(config, agent) {
        Ok(launched) => Ok(launched),
        Err(failure) => Err(Failed { failure, warnings: made.undo() }),
    }
}

/// What there is of the container so far.
struct Made<'a> {
    plan: &'a LaunchPlan,
    directory: ContainerDir,
    cgroup: Option<Cgroup>,
    helper: Option<Helper>,
    pid_file: bool,
    /// Directories of resctrl to be removed.
    resctrl: Vec<String>,
    /// The systemd unit that was started.
    unit: Option<Unit>,
}

impl Made<'_> {
    fn carry_out(&mut self, config: &str, agent: Option<agent::Address>) -> Result<Launched, Failure> {
        let plan = self.plan;

        // Intent first: whoever finds this record after our death knows which cgroup may exist.
        let planned = match &plan.cgroup {
            Some(cgroup) => {
                cgroup::check_unused(cgroup)?;
                cgroup::planned(cgroup)
            }
            None => Vec::new(),
        };
        let unit = plan.cgroup.as_ref().and_then(|cgroup| cgroup.unit.as_ref());
        let mut record = Record { agent, unit: unit.map(Unit::from), ..Record::new(&plan.record, planned) };
        record.shares_keyring = !plan.init.steps.iter().any(|step| matches!(step, Step::SessionKeyring { .. }));
        if let Some(plan) = &plan.resctrl {
            record.resctrl = resctrl::owned(plan)?;
        }
        self.directory.write_record(&record)?;

        if let Some(plan) = &plan.resctrl {
            self.resctrl.clone_from(&record.resctrl);
            resctrl::make(plan)?;
        }
        if unit.is_none() {
            self.make_cgroup(&mut record)?;
        }
        if plan.notify_directory {
            mkdirat(self.directory.fd(), "notify", Mode::from_raw_mode(0o755)).failing("make directory", "notify")?;
        }
        let gated = plan.init.steps.contains(&Step::Gate);
        let gate = if gated { Some(gate::make(&self.directory)?) } else { None };

        let start = helper::Start {
            descriptors: &plan.descriptors,
            extra: gate.as_ref().map(AsFd::as_fd),
            pid_namespace: plan.init.pid_namespace_at_clone(),
            cgroup: self.cgroup.as_ref(),
            oom_score_adj: plan.oom_score_adj,
            hard_limits: &plan.hard_limits,
            cpus: None,
        };
        self.helper = Some(Helper::start(&start)?);
        if let Some(unit) = unit {
            self.enter_unit(unit, &mut record)?;
        }
        let helper = self.helper.as_mut().ok_or_else(no_init)?;
        // Only init holds it now: its end is init's end.
        drop(gate);
        helper.send(&ToInit::Plan(&plan.init))?;
        helper.serve_namespaces(&plan.init)?;

        // Init mounts meanwhile. It waits for Commit, so its program has limits, and a record that names it, before it runs.
        if let (Some(cgroup), Some(plan)) = (&self.cgroup, &plan.cgroup) {
            cgroup.fill(plan)?;
        }
        if let Some(resctrl) = &plan.resctrl {
            resctrl::join(resctrl, helper.process()?.pid)?;
        }
        self.directory.write_config(config)?;
        if let Some(filter) = &plan.init.filter {
            self.directory.write_filter(filter)?;
        }
        // While the record does not name init, the container is "creating" to whoever asks: hooks may.
        run_hooks(&record, &plan.init.steps, helper)?;
        let Process { pid, pidfd } = helper.process()?;
        record.init = Some(Identity::of(*pid)?);
        self.directory.write_record(&record)?;
        if record.cgroup.is_empty() {
            // Without a cgroup nothing else leads to init: the spare record has to name it too.
            self.directory.write_record(&record)?;
        }
        if let Some(path) = &plan.pid_file {
            pid_file::write(path, *pid)?;
            self.pid_file = true;
        }
        if let Some(path) = &plan.pidfd_socket {
            console::send_pidfd(path, pidfd.as_fd(), "standard")?;
        }
        // The terminal is where it belongs, and set up, before the program can use it.
        let console = helper.take_terminal(&plan.init.steps, plan.console_socket.as_deref())?;
        // Whoever is not there any more to hear it has left a message that says why.
        let _ = helper.send(&ToInit::Commit);
        helper.follow(gated, &mut Agent::new(record.agent.as_ref(), &record, "created"))?;
        if !gated {
            hooks::on_start(&record, helper.process()?.pid)?;
        }

        let console = console.map(IntoRawFd::into_raw_fd);
        let helper = self.helper.take().ok_or_else(no_init)?;
        let Process { pid, pidfd } = helper.into_process()?;
        Ok(Launched { pid, pidfd: pidfd.into_raw_fd(), console, unknown_calls: Vec::new() })
    }

    fn make_cgroup(&mut self, record: &mut Record) -> Result<(), Failure> {
        if let Some(plan) = &self.plan.cgroup {
            let cgroup = cgroup::create(plan)?;
            record.cgroup = cgroup.refs().to_vec();
            self.cgroup = Some(cgroup);
            self.directory.write_record(record)?;
        }
        Ok(())
    }

    /// Has systemd start the unit around the helper, and then treats its cgroup as one that we made. A scope can't begin without
    /// a process; this one does nothing before it has its plan, and ends with us.
    fn enter_unit(&mut self, unit: &UnitPlan, record: &mut Record) -> Result<(), Failure> {
        let pid = self.helper.as_ref().ok_or_else(no_init)?.process()?.pid;
        systemd::start(unit, pid)?;
        self.unit = Some(Unit::from(unit));
        let hierarchies = self.plan.cgroup.iter().flat_map(|cgroup| &cgroup.hierarchies);
        check_place(hierarchies, unit, pid)?;
        self.make_cgroup(record)?;
        // systemd has v1 hierarchies that it leaves alone, and the container may belong below its scope.
        match (&self.cgroup, &self.plan.cgroup) {
            (Some(cgroup), Some(plan)) => cgroup.join(pid, false).and_then(|()| cgroup.share(plan)),
            _ => Ok(()),
        }
    }

    /// Leaves nothing: processes first, since they hold the rest. What can't be removed stays named by the record.
    /// Gives what went wrong with the hooks poststop, which run if there was a process.
    fn undo(self) -> Vec<Failure> {
        let started = self.helper.is_some();
        if let Some(helper) = self.helper {
            helper.end();
        }
        if self.pid_file
            && let Some(path) = &self.plan.pid_file
        {
            pid_file::remove(path);
        }
        let resctrl = resctrl::remove(&self.resctrl);
        let stopped = self.unit.map_or(Ok(()), |unit| systemd::stop(&unit.name, unit.user));
        if self.cgroup.map_or(Ok(()), Cgroup::undo).and(stopped).and(resctrl).is_err() {
            return Vec::new();
        }
        let warnings = if started { hooks::on_stop(&Record::new(&self.plan.record, Vec::new())) } else { Vec::new() };
        let _ = self.directory.remove();
        warnings
    }
}

/// Runs the hooks of the host once init has mounted all, and waits for those that init runs after them.
fn run_hooks(record: &Record, steps: &[Step], helper: &Helper) -> Result<(), Failure> {
    if steps.contains(&Step::HostHooks) {
        helper.expect(&FromInit::Mounted)?;
        hooks::on_create(record, helper.process()?.pid)?;
        helper.send(&ToInit::HooksRun)?;
    }
    if steps.iter().any(|step| matches!(step, Step::CreateContainerHooks(_))) {
        helper.expect(&FromInit::HooksRun)?;
    }
    Ok(())
}

fn no_init() -> Failure {
    Failure::new("find", "init", 0)
}

/// Fails unless systemd has put process `pid` where the plan says that the unit's cgroup is.
fn check_place<'a>(
    hierarchies: impl Iterator<Item = &'a HierarchyPlan>,
    unit: &UnitPlan,
    pid: i32,
) -> Result<(), Failure> {
    let actual = fs::read_to_string(format!("/proc/{pid}/cgroup")).failing("find the cgroup of", &unit.name)?;
    let planned = hierarchies.map(|hierarchy| format!(":/{}", hierarchy.path)).next().unwrap_or_default();
    // That of v2, or that of v1 which systemd keeps for itself.
    let own = |line: &&str| line.starts_with("0::") || line.contains(":name=systemd:");
    match actual.lines().filter(own).any(|line| line.ends_with(&planned)) {
        true => Ok(()),
        false => Err(Errno::NOENT).failing("find systemd unit in cgroup", planned.trim_start_matches(':')),
    }
}
