#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    signal::signal,
    testing::{TestChild, TestRoot, eventually, record},
};
use std::{
    fs,
    os::unix::net::UnixListener,
    sync::atomic::{AtomicBool, Ordering},
};

fn status_of(root: &TestRoot, id: &str) -> (Status, i32) {
    let inspection = inspect(&root.containers(), id).unwrap();
    (inspection.status, inspection.pid)
}

#[test]
fn it_is_creating_while_somebody_makes_it() {
    let root = TestRoot::new();
    let container = root.create("box");
    assert_eq!(inspect(&root.containers(), "box").unwrap_err().step, "find container");
    container.write_record(&record("box")).unwrap();
    assert_eq!(status_of(&root, "box"), (Status::Creating, 0));
    drop(container);
    eventually(|| status_of(&root, "box") == (Status::Stopped, 0));
}

#[test]
fn it_is_created_as_long_as_the_gate_listens() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    root.container_of("box", &child);
    let alive = |status| (status, child.pid());
    assert_eq!(status_of(&root, "box"), alive(Status::Running));
    let gate = UnixListener::bind(root.path("containers/box/gate.sock")).unwrap();
    // More than the socket's queue holds.
    for _ in 0..200 {
        assert_eq!(status_of(&root, "box"), alive(Status::Created));
    }
    drop(gate);
    assert_eq!(status_of(&root, "box"), alive(Status::Running));
    child.kill();
    assert_eq!(status_of(&root, "box"), (Status::Stopped, 0));
}

#[test]
fn a_root_with_a_long_path_has_a_gate_too() {
    let root = TestRoot::new();
    let child = TestChild::new();
    let long = root.path(&"long/".repeat(60));
    let container = ContainerDir::create(&long, "box").unwrap();
    let mut record = record("box");
    record.init = Some(crate::record::Identity::of(child.pid()).unwrap());
    container.write_record(&record).unwrap();
    let gate = UnixListener::bind(format!("/proc/self/fd/{}/{GATE_SOCKET}", container.fd().as_raw_fd())).unwrap();
    assert_eq!(inspect(&long, "box").unwrap().status, Status::Created);
    drop(gate);
}

#[test]
fn a_list_goes_on_over_what_is_broken() {
    let root = TestRoot::new();
    assert_eq!(list(&root.containers()), Ok(List { missing: true, containers: Vec::new() }));
    let child = TestChild::new();
    for id in ["b", "a"] {
        root.container_of(id, &child);
    }
    drop(root.create("empty"));
    eventually(|| ContainerDir::open(&root.containers(), "empty").unwrap().is_locked() == Ok(false));
    let _at_work = root.create("new");
    let future = root.create("future");
    fs::write(future.path().join("record.json"), r#"{"version":99}"#).unwrap();
    fs::write(root.path("containers/file"), "").unwrap();

    let List { missing, containers } = list(&root.containers()).unwrap();
    assert!(!missing);
    let named: Vec<(&str, Option<Errno>)> = containers
        .iter()
        .map(|listed| match listed {
            Listed::Container(inspection) => (inspection.id.as_str(), None),
            Listed::Broken { id, failure } => (id.as_str(), Some(Errno::from_raw_os_error(failure.errno))),
        })
        .collect();
    assert_eq!(named, [("a", None), ("b", None), ("empty", Some(Errno::NOENT)), ("future", Some(Errno::PROTO))]);
}

#[test]
fn nothing_is_broken_while_containers_come_and_go() {
    let root = TestRoot::new();
    let going = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..300 {
                let container = root.create("box");
                container.write_record(&record("box")).unwrap();
                container.remove().unwrap();
            }
            going.store(false, Ordering::Relaxed);
        });
        while going.load(Ordering::Relaxed) {
            let List { containers, .. } = list(&root.containers()).unwrap();
            assert!(containers.iter().all(|listed| matches!(listed, Listed::Container(_))), "{containers:?}");
        }
    });
}

#[test]
fn a_signal_goes_to_init_and_to_nobody_else() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    let mut record = root.container_of("box", &child);
    assert_eq!(signal(&root.containers(), "none", 15, false).unwrap_err().step, "find container");
    assert_eq!(signal(&root.containers(), "box", 0, false), Ok(()));
    assert_eq!(signal(&root.containers(), "box", 999, false).unwrap_err().errno, Errno::INVAL.raw_os_error());

    // A pid that is somebody else's by now.
    record.init = record.init.map(|init| crate::record::Identity { start_time: init.start_time + 1, ..init });
    ContainerDir::open_locked(&root.containers(), "box").unwrap().write_record(&record).unwrap();
    let failure = signal(&root.containers(), "box", 9, false).unwrap_err();
    assert_eq!((failure.step.as_str(), failure.errno), ("signal container", Errno::SRCH.raw_os_error()));
    assert_eq!(signal(&root.containers(), "box", 9, true), Ok(()));
    assert!(child.0.try_wait().unwrap().is_none());

    root.container_of("real", &child);
    // A real-time signal, which ends a process that does not handle it.
    assert_eq!(signal(&root.containers(), "real", 40, false), Ok(()));
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.0.wait().unwrap().signal(), Some(40));
}
