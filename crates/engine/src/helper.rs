//! The helper on its way to become a process of a container: it is started, told its plan, answered, and followed until it waits
//! at the gate or has become the program. What `launch` and `exec` have in common.

use crate::{
    agent::Agent,
    channel::{self, Channel, Received},
    console,
    failing::Failing,
    id_maps, image, net_devices, terminal,
};
use cgroup::Cgroup;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::Errno,
    process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid},
};
use std::{ffi::CString, fs};
use sys::{
    attributes::set_cpu_affinity,
    credentials::{raise_hard_limit, resource_name},
    spawn::{Program, Spawn, Spawned, spawn},
};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{Descriptors, HardLimit, InitPlan, Step},
};

/// The helper, a child of ours.
pub struct Helper {
    channel: Channel,
    /// The process that was started, and the one that went on in its place if it had to fork.
    processes: Vec<Process>,
}

pub struct Process {
    /// In our PID namespace.
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// What the helper is started with.
pub struct Start<'a> {
    pub descriptors: &'a Descriptors,
    /// The descriptor that it gets beside the container's and the channel: the gate.
    pub extra: Option<BorrowedFd<'a>>,
    /// Start in a new PID namespace.
    pub pid_namespace: bool,
    pub cgroup: Option<&'a Cgroup>,
    /// Written to /proc/PID/oom_score_adj (proc(5)).
    pub oom_score_adj: Option<i32>,
    /// Raised, where they are lower, before it enters a user namespace and can't any more.
    pub hard_limits: &'a [HardLimit],
    /// The processors that it runs on before it is in the cgroup; none: those that we may.
    pub cpus: Option<&'a [u32]>,
}

/// Fails when one of the caller's descriptors is not open: before any of our own can take its number.
pub fn check_descriptors(descriptors: &Descriptors) -> Result<(), Failure> {
    for number in descriptors.inherit.iter().chain(descriptors.stdio.iter().filter(|number| **number != -1)) {
        sys::descriptor::borrow(*number).failing("pass on descriptor", number)?;
    }
    Ok(())
}

impl Helper {
    /// Starts the helper with the container's descriptors, then the channel, then the extra one, in the cgroup.
    pub fn start(start: &Start<'_>) -> Result<Self, Failure> {
        let image = image::image()?;
        let (channel, theirs) = channel::pair()?;
        let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null").failing("open", "/dev/null")?;
        let mut descriptors = Vec::new();
        for number in start.descriptors.stdio.iter().chain(&start.descriptors.inherit) {
            descriptors.push(match number {
                -1 => null.as_fd(),
                number => sys::descriptor::borrow(*number).failing("pass on descriptor", number)?,
            });
        }
        let channel_number = descriptors.len();
        descriptors.push(theirs.as_fd());
        descriptors.extend(start.extra);
        let text = |number: usize| CString::new(number.to_string()).unwrap_or_default();
        let (channel_number, extra_number) = (text(channel_number), text(channel_number + 1));
        let mut arguments = vec![c"gantry-init", channel_number.as_c_str()];
        if start.extra.is_some() {
            arguments.push(extra_number.as_c_str());
        }
        let Spawned { pid, pidfd } = spawn(&Spawn {
            program: Program::Image(image),
            arguments: &arguments,
            environment: &[],
            descriptors: &descriptors,
            pid_namespace: start.pid_namespace,
            cgroup: start.cgroup.filter(|_| start.cpus.is_none()).and_then(Cgroup::v2_directory),
            foreign: None,
        })
        .failing("start", "init")?;
        let helper = Self { channel, processes: vec![Process { pid, pidfd }] };
        match helper.place(start) {
            Ok(()) => Ok(helper),
            Err(failure) => {
                helper.end();
                Err(failure)
            }
        }
    }

    /// What has to happen to the process before it makes namespaces: a cgroup namespace begins where it is.
    fn place(&self, start: &Start<'_>) -> Result<(), Failure> {
        let pid = self.process()?.pid;
        if let Some(cpus) = start.cpus {
            set_cpu_affinity(pid, cpus).failing("apply", "process.execCPUAffinity")?;
        }
        if let Some(cgroup) = start.cgroup {
            cgroup.join(pid, start.cpus.is_none())?;
        }
        for HardLimit { resource, limit } in start.hard_limits {
            raise_hard_limit(pid, *resource, limit.0).failing("raise process.rlimits", resource_name(*resource))?;
        }
        if let Some(adjustment) = start.oom_score_adj {
            let path = format!("/proc/{pid}/oom_score_adj");
            fs::write(&path, adjustment.to_string()).failing("set oom_score_adj to", adjustment)?;
        }
        Ok(())
    }

    /// The process that goes on to become the program.
    pub fn process(&self) -> Result<&Process, Failure> {
        self.processes.last().ok_or(Errno::SRCH).failing("find", "init")
    }

    /// The process, which outlives this value.
    pub fn into_process(mut self) -> Result<Process, Failure> {
        let process = self.processes.pop().ok_or(Errno::SRCH).failing("find", "init");
        // The one that it forked from has nothing more to do than to end.
        for process in &self.processes {
            let _ = waitid(WaitId::PidFd(process.pidfd.as_fd()), WaitIdOptions::EXITED);
        }
        process
    }

    pub fn send(&self, message: &ToInit<&InitPlan>) -> Result<(), Failure> {
        self.channel.send(message)
    }

    /// Answers the helper while it enters its namespaces, where there is something that only we may do.
    pub fn serve_namespaces(&mut self, plan: &InitPlan) -> Result<(), Failure> {
        let new_user = plan.id_maps.is_some();
        let mut awaited = usize::from(new_user)
            + usize::from(!plan.time_offsets.is_empty())
            + usize::from(!plan.net_devices.is_empty())
            + usize::from(plan.forks());
        while awaited > 0 {
            awaited -= 1;
            let Some(received) = self.channel.receive()? else { return Err(self.epitaph()) };
            let pid = self.process()?.pid;
            match (received.message, received.descriptor, &plan.id_maps) {
                (FromInit::MapIds, _, Some(maps)) => {
                    id_maps::write(pid, maps)?;
                    self.channel.send(&ToInit::IdsMapped)?;
                }
                (FromInit::SetTimeOffsets, ..) => {
                    let offsets = plan.time_offsets.join("\n");
                    fs::write(format!("/proc/{pid}/timens_offsets"), offsets).failing("set", "time offsets")?;
                    self.channel.send(&ToInit::TimeOffsetsSet)?;
                }
                (FromInit::MoveNetDevices, ..) => {
                    net_devices::move_into_namespace_of(pid, &plan.net_devices)?;
                    self.channel.send(&ToInit::NetDevicesMoved)?;
                }
                (FromInit::Forked, Some(pidfd), _) => self.go_on_with(pidfd)?,
                (FromInit::Failed(failure), ..) => return Err(failure),
                _ => return Err(misunderstood()),
            }
        }
        Ok(())
    }

    /// Receives the master of a new pty, if the steps make one, and hands it over if there is a console socket.
    pub fn take_terminal(&self, steps: &[Step], console_socket: Option<&str>) -> Result<Option<OwnedFd>, Failure> {
        let new = steps.iter().find_map(|step| match step {
            Step::Terminal(terminal) if terminal.slave.is_none() => Some(terminal),
            _ => None,
        });
        let Some(terminal) = new else { return Ok(None) };
        let Some(received) = self.channel.receive()? else { return Err(self.epitaph()) };
        match (received.message, received.descriptor, console_socket) {
            (FromInit::Terminal, Some(master), Some(path)) => console::send(path, master.as_fd()).map(|()| None),
            (FromInit::Terminal, Some(master), None) => {
                if !terminal.plain {
                    terminal::prepare(master.as_fd()).failing("set up", "the terminal")?;
                }
                Ok(Some(master))
            }
            (FromInit::Failed(failure), ..) => Err(failure),
            _ => Err(misunderstood()),
        }
    }

    /// Waits for one given message.
    pub fn expect(&self, expected: &FromInit) -> Result<(), Failure> {
        match self.channel.receive()?.map(|received| received.message) {
            Some(message) if message == *expected => Ok(()),
            Some(FromInit::Failed(failure)) => Err(failure),
            Some(_) => Err(misunderstood()),
            None => Err(self.epitaph()),
        }
    }

    /// Follows the helper to the gate or to its program.
    pub fn follow(&mut self, gated: bool, agent: &mut Agent<'_>) -> Result<(), Failure> {
        let mut executing = false;
        while let Some(received) = self.channel.receive()? {
            match (&received.message, received.descriptor) {
                (FromInit::Ready, _) if gated => return Ok(()),
                (FromInit::Exec, _) => executing = true,
                // The one that forks and the one that goes on write at the same time: one may be heard before the other.
                (FromInit::Forked, Some(pidfd)) => self.go_on_with(pidfd)?,
                (FromInit::Failed(failure), _) => return Err(failure.clone()),
                (_, descriptor) => {
                    agent.hear(Received { descriptor, ..received }, &self.channel, self.process()?.pid)?;
                }
            }
        }
        if executing { agent.finish() } else { Err(self.epitaph()) }
    }

    fn go_on_with(&mut self, pidfd: OwnedFd) -> Result<(), Failure> {
        let pid = sys::descriptor::pid_of(pidfd.as_fd()).failing("find the pid of", "init")?;
        self.processes.push(Process { pid, pidfd });
        Ok(())
    }

    /// Why the helper is gone without a word.
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

    /// Kills it, and waits for its end.
    pub fn end(self) {
        for process in &self.processes {
            let _ = pidfd_send_signal(&process.pidfd, Signal::KILL);
        }
        for process in &self.processes {
            let _ = waitid(WaitId::PidFd(process.pidfd.as_fd()), WaitIdOptions::EXITED);
        }
    }
}

fn misunderstood() -> Failure {
    Failure::new("understand", "init", Errno::PROTO.raw_os_error())
}
