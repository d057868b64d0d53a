//! A change of the mounts of a container that is there: by a helper that enters its user and mount namespaces, and nothing else of it.
//!
//! It stays in our cgroup and PID namespace, so a container that is paused is no obstacle, and none of its processes sees it.

use crate::{
    exec::namespaces_to_enter,
    failing::Failing,
    helper::{self, Helper},
    record::Identity,
    store::ContainerDir,
};
use rustix::{fd::AsFd, io::Errno};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{Descriptors, InitPlan, MountsPlan, NamespaceKind},
};

/// Carries a plan out, after which the saved configuration is `config`.
///
/// Fails with step `change mounts of container`: ESRCH when its init is gone, EAGAIN when somebody else has changed them since the
/// plan was made.
pub fn change(plan: MountsPlan, config: &str) -> Result<(), Failure> {
    const STEP: &str = "change mounts of container";
    let container = ContainerDir::open_locked(&plan.root, &plan.id)?;
    let record = container.read_record()?;
    let open = record.init.map(|init| Ok((init, init.open()?))).transpose()?;
    let Some((Identity { pid, .. }, Some(pidfd))) = open else { return Err(Errno::SRCH).failing(STEP, &plan.id) };
    if container.read_config()? != plan.before.as_bytes() {
        return Err(Errno::AGAIN).failing(STEP, &plan.id);
    }
    let saved = container.replace_config(config)?;
    let mut kinds = namespaces_to_enter(pid)?;
    kinds.retain(|kind| *kind != NamespaceKind::Pid);
    let helper = Helper::start(&helper::Start {
        descriptors: &Descriptors { stdio: [-1; 3], inherit: Vec::new() },
        extra: Some(pidfd.as_fd()),
        pid_namespace: false,
        cgroup: None,
        oom_score_adj: None,
        hard_limits: &[],
        cpus: None,
    })?;
    let (enter, bind_propagation) = (Some(kinds), Some(plan.propagation));
    let init = InitPlan { enter, bind_propagation, steps: plan.steps, ..InitPlan::default() };
    let outcome = helper.send(&ToInit::Plan(&init)).and_then(|()| helper.expect(&FromInit::Done));
    helper.end();
    outcome?;
    saved.keep()
}
