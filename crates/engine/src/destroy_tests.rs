#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    inspect,
    signal::signal,
    testing::{TestChild, TestRoot, record},
};
use std::{fs, os::unix::net::UnixListener, path::Path};
use wire::plan::{CgroupPlan, HierarchyPlan};

fn is_there(root: &TestRoot, id: &str) -> bool {
    Path::new(&root.path("containers")).join(id).exists()
}

#[test]
fn a_running_one_is_only_removed_by_force() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    root.container_of("box", &child);
    let refused = destroy(&root.containers(), "box", false);
    assert_eq!(refused, Err(Failure::new("delete container", "running", Errno::BUSY.raw_os_error())));
    assert!(child.0.try_wait().unwrap().is_none());
    assert_eq!(destroy(&root.containers(), "box", true), Ok(Destroyed::default()));
    assert!(!child.0.wait().unwrap().success());
    assert!(!is_there(&root, "box"));
    assert_eq!(destroy(&root.containers(), "box", true).unwrap_err().step, "find container");
}

#[test]
fn a_created_one_is_removed_and_so_is_a_stopped_one() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    root.container_of("created", &child);
    root.container_of("stopped", &child);
    let gate = UnixListener::bind(root.path("containers/created/gate.sock")).unwrap();
    assert_eq!(destroy(&root.containers(), "created", false), Ok(Destroyed::default()));
    assert!(!child.0.wait().unwrap().success());
    drop(gate);
    assert_eq!(destroy(&root.containers(), "stopped", false), Ok(Destroyed::default()));
    assert!(!is_there(&root, "created") && !is_there(&root, "stopped"));
}

#[test]
fn what_a_killed_command_left_is_removed() {
    let root = TestRoot::new();
    // A directory alone was never a container: it goes, and the caller hears so unless that is what was asked for.
    drop(root.create("empty"));
    assert_eq!(destroy(&root.containers(), "empty", false).unwrap_err().step, "find container");
    assert!(!is_there(&root, "empty"));
    drop(root.create("empty"));
    assert_eq!(destroy(&root.containers(), "empty", true), Ok(Destroyed::default()));
    root.create("intent").write_record(&record("intent")).unwrap();
    assert_eq!(destroy(&root.containers(), "intent", false), Ok(Destroyed::default()));
    assert!(!is_there(&root, "empty") && !is_there(&root, "intent"));
}

#[test]
fn a_record_that_can_not_be_read_takes_force() {
    let root = TestRoot::new();
    for (id, text) in
        [("empty", ""), ("torn", "{\"version\":1,\"cgr"), ("future", "{\"version\":2}"), ("binary", "\u{0}\u{1}")]
    {
        let container = root.create(id);
        fs::write(container.path().join("record.json"), text).unwrap();
        drop(container);
        assert_eq!(destroy(&root.containers(), id, false).unwrap_err().step, "read record");
        assert!(is_there(&root, id));
        assert_eq!(destroy(&root.containers(), id, true), Ok(Destroyed::default()));
        assert!(!is_there(&root, id));
    }
}

#[test]
fn a_torn_record_still_leads_to_init() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    root.container_of("box", &child);
    let path = root.path("containers/box/record.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    assert_eq!(destroy(&root.containers(), "box", true), Ok(Destroyed::default()));
    assert!(!child.0.wait().unwrap().success());
}

/// With a real cgroup: the one of the machine's layout that holds the freezer.
#[test]
fn a_paused_one_is_seen_and_its_processes_and_cgroup_go_with_it() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make cgroups");
        return;
    }
    let hierarchies = crate::facts::facts(true).unwrap().cgroups;
    let freezer = hierarchies.iter().find(|one| one.controllers.iter().any(|name| name == "freezer"));
    let Some(hierarchy) = freezer.or(hierarchies.iter().find(|one| one.version == 2)) else {
        eprintln!("skipped: no cgroup hierarchy with a freezer is mounted");
        return;
    };
    let plan = CgroupPlan {
        hierarchies: vec![HierarchyPlan {
            mount: hierarchy.mount.clone(),
            version: hierarchy.version,
            controllers: if hierarchy.version == 1 { vec!["freezer".into()] } else { Vec::new() },
            path: format!("gantry-engine-test-{}", std::process::id()),
            writes: Vec::new(),
        }],
        devices: Vec::new(),
        optional: false,
        delegation: None,
        unit: None,
    };
    let root = TestRoot::new();
    let (mut init, mut other) = (TestChild::new(), TestChild::new());
    let mut record = root.container_of("box", &init);
    let cgroup = cgroup::create(&plan).unwrap();
    record.cgroup = cgroup.refs().to_vec();
    for child in [&init, &other] {
        cgroup.join(child.pid(), false).unwrap();
    }
    ContainerDir::open_locked(&root.containers(), "box").unwrap().write_record(&record).unwrap();
    let status = || inspect::inspect(&root.containers(), "box").unwrap().status;

    assert_eq!(status(), Status::Running);
    cgroup::freeze(cgroup.refs()).unwrap();
    assert_eq!(status(), Status::Paused);
    let refused = destroy(&root.containers(), "box", false);
    assert_eq!(refused, Err(Failure::new("delete container", "paused", Errno::BUSY.raw_os_error())));

    // SIGKILL ends a paused init, and then `all` is for the processes that outlive it.
    signal(&root.containers(), "box", 9, false).unwrap();
    assert!(!init.0.wait().unwrap().success());
    assert_eq!(status(), Status::Stopped);
    assert!(other.0.try_wait().unwrap().is_none());
    signal(&root.containers(), "box", 0, true).unwrap();

    assert_eq!(destroy(&root.containers(), "box", false), Ok(Destroyed::default()));
    assert!(!other.0.wait().unwrap().success());
    assert!(!Path::new(&cgroup.refs()[0].path).exists());
    assert!(!is_there(&root, "box"));
}
