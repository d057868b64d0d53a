//! A container comes into being: record, cgroup, init, plan; or nothing of it stays.
//!
//! The order is what makes `delete --force` work after a death at any moment: the record says what is about to exist before it
//! exists, and init goes on without us only after the record names it.

use crate::{
    channel::{self, Channel},
    console,
    failing::Failing,
    gate, id_maps, image, pid_file,
    record::{Identity, Record},
    store::ContainerDir,
    terminal,
};
use cgroup::Cgroup;
use rustix::{
    fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd},
    fs::{Mode, mkdirat},
    io::Errno,
    process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid},
};
use serde::Serialize;
use std::{ffi::CString, fs};
use sys::spawn::{Spawn, Spawned, spawn};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{LaunchPlan, Step},
};

/// A container's init as this process holds it.
#[derive(Debug, Serialize)]
pub struct Launched {
    /// In our PID namespace.
    pub pid: i32,
    pub pidfd: i32,
    /// The pty master, with a terminal and no console socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<i32>,
}

/// Carries a plan out. Returns when init waits at the gate, or has become the program in a plan without a gate.
pub fn launch(plan: &LaunchPlan) -> Result<Launched, Failure> {
    // Before any of our own can take the number of one that is not there.
    for number in plan.descriptors.inherit.iter().chain(plan.descriptors.stdio.iter().filter(|number| **number != -1)) {
        sys::descriptor::borrow(*number).failing("pass on descriptor", number)?;
    }
    let directory = ContainerDir::create(&plan.record.root, &plan.record.id)?;
    let mut made = Made { plan, directory, cgroup: None, processes: Vec::new(), pid_file: false };
    match made.carry_out() {
        Ok(launched) => Ok(launched),
        Err(failure) => {
            made.undo();
            Err(failure)
        }
    }
}

/// What there is of the container so far.
struct Made<'a> {
    plan: &'a LaunchPlan,
    directory: ContainerDir,
    cgroup: Option<Cgroup>,
    /// The process that was started, and the one that went on in its place if it had to fork.
    processes: Vec<Process>,
    pid_file: bool,
}

struct Process {
    pid: i32,
    pidfd: OwnedFd,
}

impl Made<'_> {
    fn carry_out(&mut self) -> Result<Launched, Failure> {
        let plan = self.plan;

        // Intent first: whoever finds this record after our death knows which cgroup may exist.
        let planned = match &plan.cgroup {
            Some(cgroup) => {
                cgroup::check_unused(cgroup)?;
                cgroup::planned(cgroup)
            }
            None => Vec::new(),
        };
        let mut record = Record::new(&plan.record, planned);
        self.directory.write_record(&record)?;

        if let Some(cgroup) = &plan.cgroup {
            let cgroup = cgroup::create(cgroup)?;
            record.cgroup = cgroup.refs().to_vec();
            self.cgroup = Some(cgroup);
            self.directory.write_record(&record)?;
        }
        if plan.notify_directory {
            mkdirat(self.directory.fd(), "notify", Mode::from_raw_mode(0o755)).failing("make directory", "notify")?;
        }
        let gated = plan.init.steps.contains(&Step::Gate);
        let gate = if gated { Some(gate::make(&self.directory)?) } else { None };

        let (channel, theirs) = channel::pair()?;
        self.start_init(theirs.as_fd(), gate.as_ref().map(AsFd::as_fd))?;
        // Only init holds these now: their end is its end.
        drop((theirs, gate));
        self.prepare_process()?;

        channel.send(&ToInit::Plan(&plan.init))?;
        self.serve_namespaces(&channel)?;

        // Init mounts meanwhile. It waits for Commit, so its program has limits, and a record that names it, before it runs.
        if let (Some(cgroup), Some(plan)) = (&self.cgroup, &plan.cgroup) {
            cgroup.fill(plan)?;
        }
        let init = self.init()?;
        record.init = Some(Identity::of(init.pid)?);
        self.directory.write_record(&record)?;
        if record.cgroup.is_empty() {
            // Without a cgroup nothing else leads to init: the spare record has to name it too.
            self.directory.write_record(&record)?;
        }
        if let Some(path) = &plan.pid_file {
            pid_file::write(path, self.init()?.pid)?;
            self.pid_file = true;
        }
        if let Some(path) = &plan.pidfd_socket {
            console::send_pidfd(path, self.init()?.pidfd.as_fd())?;
        }
        // The terminal is where it belongs, and set up, before the program can use it.
        let console = self.take_terminal(&channel)?;
        // Whoever is not there any more to hear it has left a message that says why.
        let _ = channel.send(&ToInit::Commit);
        self.follow(&channel, gated)?;

        let Process { pid, pidfd } = self.processes.pop().ok_or(Errno::SRCH).failing("find", "init")?;
        Ok(Launched { pid, pidfd: pidfd.into_raw_fd(), console: console.map(IntoRawFd::into_raw_fd) })
    }

    /// Starts the helper with the container's descriptors, then the channel, then the gate.
    fn start_init(&mut self, channel: BorrowedFd<'_>, gate: Option<BorrowedFd<'_>>) -> Result<(), Failure> {
        let plan = self.plan;
        let image = image::image()?;
        let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null").failing("open", "/dev/null")?;
        let mut descriptors = Vec::new();
        for number in plan.descriptors.stdio.iter().chain(&plan.descriptors.inherit) {
            descriptors.push(match number {
                -1 => null.as_fd(),
                number => sys::descriptor::borrow(*number).failing("pass on descriptor", number)?,
            });
        }
        let channel_number = descriptors.len();
        descriptors.push(channel);
        descriptors.extend(gate);
        let text = |number: usize| CString::new(number.to_string()).unwrap_or_default();
        let (channel_number, gate_number) = (text(channel_number), text(channel_number + 1));
        let mut arguments = vec![c"gantry-init", channel_number.as_c_str()];
        if gate.is_some() {
            arguments.push(gate_number.as_c_str());
        }
        let Spawned { pid, pidfd } = spawn(&Spawn {
            image,
            arguments: &arguments,
            descriptors: &descriptors,
            pid_namespace: plan.init.pid_namespace_at_clone(),
            cgroup: self.cgroup.as_ref().and_then(Cgroup::v2_directory),
        })
        .failing("start", "init")?;
        self.processes.push(Process { pid, pidfd });
        Ok(())
    }

    /// What has to happen to the process before it makes namespaces: a cgroup namespace begins where it is.
    fn prepare_process(&self) -> Result<(), Failure> {
        let pid = self.init()?.pid;
        if let Some(cgroup) = &self.cgroup {
            cgroup.join(pid, true)?;
        }
        if let Some(adjustment) = self.plan.oom_score_adj {
            let path = format!("/proc/{pid}/oom_score_adj");
            fs::write(&path, adjustment.to_string()).failing("set oom_score_adj to", adjustment)?;
        }
        Ok(())
    }

    /// Answers init while it enters its namespaces, where there is something that only we may do.
    fn serve_namespaces(&mut self, channel: &Channel) -> Result<(), Failure> {
        let plan = &self.plan.init;
        let new_user = plan.id_maps.is_some();
        let mut awaited =
            usize::from(new_user) + usize::from(!plan.time_offsets.is_empty()) + usize::from(plan.forks());
        while awaited > 0 {
            awaited -= 1;
            let Some(received) = channel.receive()? else { return Err(self.epitaph()) };
            let pid = self.init()?.pid;
            match (received.message, received.descriptor, &plan.id_maps) {
                (FromInit::MapIds, _, Some(maps)) => {
                    id_maps::write(pid, maps)?;
                    channel.send(&ToInit::IdsMapped)?;
                }
                (FromInit::SetTimeOffsets, ..) => {
                    let offsets = plan.time_offsets.join("\n");
                    fs::write(format!("/proc/{pid}/timens_offsets"), offsets).failing("set", "time offsets")?;
                    channel.send(&ToInit::TimeOffsetsSet)?;
                }
                (FromInit::Forked, Some(pidfd), _) => {
                    let pid = sys::descriptor::pid_of(pidfd.as_fd()).failing("find the pid of", "init")?;
                    self.processes.push(Process { pid, pidfd });
                }
                (FromInit::Failed(failure), ..) => return Err(failure),
                _ => return Err(Errno::PROTO).failing("understand", "init"),
            }
        }
        Ok(())
    }

    /// Receives the master of a new pty, and hands it over if there is a console socket.
    fn take_terminal(&self, channel: &Channel) -> Result<Option<OwnedFd>, Failure> {
        let new = |step: &Step| matches!(step, Step::Terminal(terminal) if terminal.slave.is_none());
        if !self.plan.init.steps.iter().any(new) {
            return Ok(None);
        }
        let Some(received) = channel.receive()? else { return Err(self.epitaph()) };
        match (received.message, received.descriptor, &self.plan.console_socket) {
            (FromInit::Terminal, Some(master), Some(path)) => console::send(path, master.as_fd()).map(|()| None),
            (FromInit::Terminal, Some(master), None) => {
                terminal::prepare(master.as_fd()).failing("set up", "the terminal")?;
                Ok(Some(master))
            }
            (FromInit::Failed(failure), ..) => Err(failure),
            _ => Err(Errno::PROTO).failing("understand", "init"),
        }
    }

    /// Follows init to the gate or to its program.
    fn follow(&self, channel: &Channel, gated: bool) -> Result<(), Failure> {
        let mut executing = false;
        while let Some(received) = channel.receive()? {
            match received.message {
                FromInit::Ready if gated => return Ok(()),
                FromInit::Exec => executing = true,
                FromInit::Failed(failure) => return Err(failure),
                _ => return Err(Errno::PROTO).failing("understand", "init"),
            }
        }
        if executing { Ok(()) } else { Err(self.epitaph()) }
    }

    fn init(&self) -> Result<&Process, Failure> {
        self.processes.last().ok_or(Errno::SRCH).failing("find", "init")
    }

    /// Why init is gone without a word.
    fn epitaph(&self) -> Failure {
        let killed = self.processes.last().and_then(|process| {
            let status = waitid(WaitId::PidFd(process.pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            status.ok().flatten().and_then(|status| status.terminating_signal())
        });
        match killed {
            Some(signal) => Failure::new("start init, which was killed by signal", signal, 0),
            None => Failure::new("start init, which ended without a word", "", 0),
        }
    }

    /// Leaves nothing: processes first, since they hold the rest. What can't be removed stays named by the record.
    fn undo(self) {
        for process in &self.processes {
            let _ = pidfd_send_signal(&process.pidfd, Signal::KILL);
        }
        for process in &self.processes {
            let _ = waitid(WaitId::PidFd(process.pidfd.as_fd()), WaitIdOptions::EXITED);
        }
        if self.pid_file
            && let Some(path) = &self.plan.pid_file
        {
            pid_file::remove(path);
        }
        if self.cgroup.map_or(Ok(()), Cgroup::undo).is_ok() {
            let _ = self.directory.remove();
        }
    }
}
