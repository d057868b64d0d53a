//! New limits for a container that is there.

use crate::{
    failing::Failing,
    inspect::{Status, status},
    resctrl,
    store::ContainerDir,
};
use rustix::io::Errno;
use wire::{Failure, plan::UpdatePlan};

/// linux.resources of a container as JSON: what it was launched with, and what updates made of it.
pub fn resources(root: &str, id: &str) -> Result<Option<String>, Failure> {
    Ok(ContainerDir::open(root, id)?.read_record()?.resources)
}

/// Gives a container new limits and device rules, and its record the resources that say so: all of it, or nothing.
///
/// Fails with step `update container` and ESRCH when it is stopped, EAGAIN when somebody else updated it since the plan was made.
pub fn update(plan: &UpdatePlan) -> Result<(), Failure> {
    const STEP: &str = "update container";
    let container = ContainerDir::open_locked(&plan.root, &plan.id)?;
    let mut record = container.read_record()?;
    if matches!(status(&container, &record)?, Status::Stopped | Status::Creating) {
        return Err(Errno::SRCH).failing(STEP, &plan.id);
    }
    if record.resources != plan.before {
        return Err(Errno::AGAIN).failing(STEP, &plan.id);
    }
    let shares = plan.resctrl.as_ref().map(resctrl::update).transpose()?;
    let restore = || {
        // The failure is what the caller has to know.
        shares.as_ref().map(resctrl::update).transpose().map(drop).unwrap_or_default();
    };
    let updated = cgroup::update(&record.cgroup, plan).inspect_err(|_| restore())?;
    let unit = record.unit.as_ref().filter(|_| !plan.unit_properties.is_empty());
    let known = unit.map_or(Ok(()), |unit| systemd::set_properties(&unit.name, unit.user, &plan.unit_properties));
    record.resources = Some(plan.resources.clone());
    known.and_then(|()| container.write_record(&record)).inspect_err(|_| {
        updated.undo(&record.cgroup);
        restore();
    })
}
