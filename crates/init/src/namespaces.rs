//! Entering the namespaces: a joined user namespace first, since it owns the others; then the joined ones; a new user namespace, and in
//! it the new ones.

use crate::{
    channel::Channel, failing::Failing, labels, mapped_ids, mounts, procfs::PrivateProc, root::Root, sources,
    sources::Sources, steps::Begun,
};
use alloc::{string::String, vec::Vec};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::Gid,
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use sys::{
    namespace::{join, kind, kind_of, unshare},
    process::{Fork, fork_sibling, set_dumpable},
};
use wire::{
    Failure,
    frame::{FromInit, ToInit},
    plan::{IdMap, InitPlan, JoinedIds, Namespace, NamespaceKind, Step},
};

/// Enters all namespaces of the plan and takes hold of the mount sources, with the rights that the plan wants that done.
pub fn enter(plan: &InitPlan, channel: &Channel) -> Result<Sources, Failure> {
    // Paths mean what they mean to the caller: all are opened before anything changes.
    let joined = open_joined(&plan.namespaces)?;
    let first = if plan.sources_first { Some(sources::take(plan)?) } else { None };

    // From here on we may share a namespace with hostile processes: none of them may trace us or look at our descriptors.
    // Before ids are mapped, though, that would keep an unprivileged engine from mapping them.
    let new_user = plan.namespaces.iter().any(|one| one.kind == NamespaceKind::User && one.path.is_none());
    if !new_user {
        set_dumpable(false).failing("hide from the container", "")?;
    }

    for (namespace, file) in joined.iter().filter(|(namespace, _)| namespace.kind == NamespaceKind::User) {
        enter_joined(namespace, file)?;
        if let Some(JoinedIds { uids, gids }) = &plan.joined_ids {
            mapped_ids::expect("uid_map", uids)?;
            mapped_ids::expect("gid_map", gids)?;
        }
        become_root(None)?;
    }
    // A new user namespace has no rights over namespaces that are there already.
    for (namespace, file) in joined.iter().filter(|(namespace, _)| namespace.kind != NamespaceKind::User) {
        enter_joined(namespace, file)?;
    }
    if new_user {
        unshare(kind::USER).failing("make a user namespace", "")?;
        channel.send(&FromInit::MapIds)?;
        channel.expect("map ids", |message| matches!(message, ToInit::IdsMapped))?;
        set_dumpable(false).failing("hide from the container", "")?;
        become_root(plan.id_maps.as_ref().map(|maps| (&maps.uids[..], &maps.gids[..], maps.deny_setgroups)))?;
    }

    let mut new = 0;
    for namespace in plan.namespaces.iter().filter(|namespace| namespace.path.is_none()) {
        new |= match namespace.kind {
            NamespaceKind::User => 0,
            NamespaceKind::Pid if plan.pid_namespace_at_clone() => 0,
            kind => bit(kind),
        };
    }
    if new != 0 {
        unshare(new).failing("make namespaces", "")?;
    }
    if !plan.time_offsets.is_empty() {
        channel.send(&FromInit::SetTimeOffsets)?;
        channel.expect("set time offsets", |message| matches!(message, ToInit::TimeOffsetsSet))?;
    }
    if !plan.net_devices.is_empty() {
        channel.send(&FromInit::MoveNetDevices)?;
        channel.expect("get network devices", |message| matches!(message, ToInit::NetDevicesMoved))?;
    }
    if plan.forks() {
        go_on_as_child(channel)?;
    }
    match first {
        Some(sources) => Ok(sources),
        None => sources::take(plan),
    }
}

/// Enters the namespaces of a container that is there, all at once, through the pidfd of its init.
pub fn enter_running(plan: &InitPlan, kinds: &[NamespaceKind], init: Option<OwnedFd>) -> Result<Begun, Failure> {
    const STEP: &str = "enter the namespaces of the container";
    let init = init.ok_or(Errno::BADF).failing(STEP, "")?;
    // Our own entry, which labels are written to, is in no procfs of the container's before we are in its PID namespace.
    let needs_proc = |step: &Step| labels::writes_one(step) || mounts::changes_one(step);
    let proc = if plan.steps.iter().any(needs_proc) {
        PrivateProc::opened().failing("open", "/proc")?
    } else {
        PrivateProc::default()
    };
    let sources = sources::take(plan)?;
    // Before anybody in there can see us.
    set_dumpable(false).failing("hide from the container", "")?;
    let all = kinds.iter().fold(0, |bits, kind| bits | bit(*kind));
    let enter = |bits| if bits == 0 { Ok(()) } else { join(init.as_fd(), bits) };
    match enter(all) {
        // One that the container's user namespace does not own can't be entered from inside that.
        Err(Errno::PERM) if all & kind::USER != 0 => {
            enter(all & !kind::USER).and_then(|()| enter(kind::USER)).failing(STEP, "")?;
        }
        result => result.failing(STEP, "")?,
    }
    if all & kind::USER != 0 {
        become_root(None)?;
    }
    let top = openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).failing("open", "/")?;
    Ok(Begun { root: Some(Root::new(top)), sources, proc, ..Begun::default() })
}

fn open_joined(namespaces: &[Namespace]) -> Result<Vec<(&Namespace, OwnedFd)>, Failure> {
    let mut joined = Vec::new();
    for namespace in namespaces {
        let Some(path) = &namespace.path else { continue };
        let file = openat(CWD, path.as_str(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .failing("open namespace", path)?;
        match kind_of(file.as_fd()) {
            Ok(found) if found == bit(namespace.kind) => joined.push((namespace, file)),
            _ => {
                let mut step = String::from("join the ");
                step.push_str(name(namespace.kind));
                step.push_str(" namespace, since it is not one,");
                return Err(Errno::INVAL).failing(&step, path);
            }
        }
    }
    Ok(joined)
}

fn enter_joined(namespace: &Namespace, file: &OwnedFd) -> Result<(), Failure> {
    join(file.as_fd(), bit(namespace.kind)).failing("join namespace", namespace.path.as_deref().unwrap_or_default())
}

/// Takes on the namespace's ids 0, where they are mapped, so that what we make belongs to its root. Without `maps`, of a namespace
/// that was joined, the kernel says whether they are.
fn become_root(maps: Option<(&[IdMap], &[IdMap], bool)>) -> Result<(), Failure> {
    let unless_unmapped = |result| match result {
        Err(Errno::INVAL) if maps.is_none() => Ok(()),
        result => result,
    };
    let mapped = |map: &[IdMap]| map.iter().any(|range| range.inside == 0 && range.size > 0);
    let (uids, gids, no_groups) =
        maps.map_or((true, true, false), |(uids, gids, denied)| (mapped(uids), mapped(gids), denied));
    if gids {
        if !no_groups {
            match set_thread_groups(&[] as &[Gid]) {
                // A joined namespace may deny it (user_namespaces(7)).
                Ok(()) | Err(Errno::PERM) => {}
                Err(errno) => return Err(errno).failing("drop supplementary groups", ""),
            }
        }
        unless_unmapped(set_thread_res_gid(Some(Gid::ROOT), Some(Gid::ROOT), Some(Gid::ROOT)))
            .failing("become gid 0", "")?;
    }
    if uids {
        let root = rustix::process::Uid::ROOT;
        unless_unmapped(set_thread_res_uid(Some(root), Some(root), Some(root))).failing("become uid 0", "")?;
    }
    Ok(())
}

/// A process enters a PID namespace only as a child. The child goes on as the engine's own child; we end.
fn go_on_as_child(channel: &Channel) -> Result<(), Failure> {
    match fork_sibling().failing("fork", "")? {
        Fork::Child => {
            const SIGKILL: i32 = 9;
            // Not inherited by fork(2).
            sys::process::set_parent_death_signal(SIGKILL).failing("die with the engine", "")
        }
        Fork::Parent(pidfd) => leave_it_to(&pidfd, channel),
    }
}

/// The same as the plan's last steps, for a process that outlives the engine.
pub fn fork_into_entered(plan: &InitPlan, channel: &Channel) -> Result<(), Failure> {
    if !plan.enter.as_ref().is_some_and(|kinds| kinds.contains(&NamespaceKind::Pid)) {
        return Ok(());
    }
    match fork_sibling().failing("fork", "")? {
        Fork::Child => Ok(()),
        Fork::Parent(pidfd) => leave_it_to(&pidfd, channel),
    }
}

fn leave_it_to(child: &OwnedFd, channel: &Channel) -> ! {
    let told = channel.send_with(&FromInit::Forked, child.as_fd());
    sys::process::exit(i32::from(told.is_err()))
}

fn bit(namespace: NamespaceKind) -> u32 {
    match namespace {
        NamespaceKind::User => kind::USER,
        NamespaceKind::Pid => kind::PID,
        NamespaceKind::Mount => kind::MOUNT,
        NamespaceKind::Network => kind::NETWORK,
        NamespaceKind::Ipc => kind::IPC,
        NamespaceKind::Uts => kind::UTS,
        NamespaceKind::Cgroup => kind::CGROUP,
        NamespaceKind::Time => kind::TIME,
    }
}

fn name(namespace: NamespaceKind) -> &'static str {
    match namespace {
        NamespaceKind::User => "user",
        NamespaceKind::Pid => "pid",
        NamespaceKind::Mount => "mount",
        NamespaceKind::Network => "network",
        NamespaceKind::Ipc => "ipc",
        NamespaceKind::Uts => "uts",
        NamespaceKind::Cgroup => "cgroup",
        NamespaceKind::Time => "time",
    }
}
