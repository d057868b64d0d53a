//! Removing a container: its processes, its cgroup, its directory.

use crate::{
    failing::Failing,
    hooks,
    inspect::{Status, status_of_living},
    record::{Record, Remains, Unit, has_ended},
    resctrl, statistics,
    statistics::CgroupTexts,
    store::ContainerDir,
};
use cgroup::CgroupRef;
use rustix::{
    fd::{AsFd, OwnedFd},
    io::Errno,
    process::Signal,
};
use serde::Serialize;
use std::time::Duration;
use wire::Failure;

/// A removed container.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// What went wrong with its hooks poststop, and stopped nothing.
    pub warnings: Vec<Failure>,
    /// What files of its cgroup said at the end, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupTexts>,
}

/// How long init may take to end after SIGKILL.
const PATIENCE: Duration = Duration::from_secs(10);

/// Removes a container. Whatever was begun and not finished, here or in a launch, is finished by doing it again.
///
/// Fails with step `delete container`, EBUSY and the status as its object when the container is running or paused and `force` is
/// not set; with step `find container` and ENOENT where there is none. Where there is only a directory without a record, that
/// is removed, and without `force` the failure is the same.
/// A record that can't be read is an error without `force`; with it, what can still be told from it is cleared away.
pub fn destroy(root: &str, id: &str, force: bool) -> Result<Destroyed, Failure> {
    destroy_reading(root, id, force, &[])
}

/// The same, with the last words of these files of its cgroup ([`cgroup::read`]), as far as there are such.
pub fn destroy_reading(root: &str, id: &str, force: bool, files: &[String]) -> Result<Destroyed, Failure> {
    destroy_locked(ContainerDir::open_locked(root, id)?, force, files)
}

/// Removes, by force, the container that was launched at `created`. One that is gone, or another that has its name now, is fine.
pub(crate) fn destroy_created(root: &str, id: &str, created: &str) -> Result<(), Failure> {
    let container = match ContainerDir::open_locked(root, id) {
        Err(failure) if failure.errno == Errno::NOENT.raw_os_error() => return Ok(()),
        other => other?,
    };
    match container.read_record() {
        Ok(record) if record.created != created => Ok(()),
        _ => destroy_locked(container, true, &[]).map(drop),
    }
}

/// Of a container that is locked.
fn destroy_locked(container: ContainerDir, force: bool, files: &[String]) -> Result<Destroyed, Failure> {
    let mut destroyed = Destroyed::default();
    let id = &container.id().to_owned();
    match container.read_record() {
        Ok(record) => {
            let init = living_init(&container, &record, force)?;
            if !files.is_empty() {
                destroyed.cgroup = statistics::read_of(&record.cgroup, files).ok().flatten();
            }
            end(id, &record.cgroup, record.unit.as_ref(), init)?;
            resctrl::remove(&record.resctrl)?;
            // Before the last trace is gone: whoever finishes what was stopped here runs them again rather than never.
            destroyed.warnings = hooks::on_stop(&record);
        }
        // There never was a container, only its directory: that goes, and the caller hears what runc says.
        Err(failure) if failure.errno == Errno::NOENT.raw_os_error() => {
            container.remove()?;
            return if force { Ok(destroyed) } else { Err(Errno::NOENT).failing("find container", id) };
        }
        Err(failure) if !force => return Err(failure),
        Err(_) => {
            for json in container.read_remains() {
                let Remains { cgroup, init } = Remains::of(&String::from_utf8_lossy(&json));
                // A unit goes by itself when its processes have ended.
                end(id, &cgroup, None, init.map(|init| init.open()).transpose()?.flatten())?;
            }
        }
    }
    container.remove()?;
    Ok(destroyed)
}

/// Init, if it is there and may be killed.
fn living_init(container: &ContainerDir, record: &Record, force: bool) -> Result<Option<OwnedFd>, Failure> {
    let Some(init) = record.init.map(|init| init.open()).transpose()?.flatten() else { return Ok(None) };
    if !force {
        let status = status_of_living(container, record)?;
        if status != Status::Created {
            return Err(Errno::BUSY).failing("delete container", status);
        }
    }
    Ok(Some(init))
}

/// Kills init and all that is left in the cgroup, waits for their end, and removes the cgroup with its unit.
pub(crate) fn end(id: &str, cgroup: &[CgroupRef], unit: Option<&Unit>, init: Option<OwnedFd>) -> Result<(), Failure> {
    if let Some(init) = &init {
        match sys::pidfd::send_signal(init.as_fd(), Signal::KILL.as_raw()) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => return Err(error).failing("kill container", id),
        }
    }
    cgroup::kill(cgroup, Signal::KILL.as_raw())?;
    if let Some(init) = &init
        && !has_ended(init, PATIENCE).failing("kill container", id)?
    {
        return Err(Errno::TIMEDOUT).failing("kill container", id);
    }
    // Once the cgroup is gone, or was never made, a unit of that name is somebody else's.
    let there = || cgroup::open(cgroup, |_| None).is_ok();
    let stopped = unit.filter(|_| there()).map_or(Ok(()), |unit| systemd::stop(&unit.name, unit.user));
    cgroup::remove(cgroup).and(stopped)
}

#[cfg(test)]
#[path = "destroy_tests.rs"]
mod tests;
