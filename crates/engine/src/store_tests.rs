#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    destroy::destroy,
    testing::{TestRoot, eventually, record},
};
use std::{
    fs as files,
    os::unix::fs::{PermissionsExt, symlink},
    sync::atomic::{AtomicBool, Ordering},
};

const NONE: (&str, Errno) = ("find container", Errno::NOENT);

fn step_of<T: std::fmt::Debug>(result: Result<T, Failure>) -> (String, Errno) {
    let failure = result.unwrap_err();
    (failure.step, Errno::from_raw_os_error(failure.errno))
}

fn is(found: (String, Errno), expected: (&str, Errno)) {
    assert_eq!((found.0.as_str(), found.1), expected);
}

fn mode(path: impl AsRef<Path>) -> u32 {
    files::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn is_made_once_with_what_is_missing_above() {
    let root = TestRoot::new();
    let containers = root.path("a/b");
    let container = ContainerDir::create(&containers, "box").unwrap();
    assert_eq!((mode(&containers), mode(container.path())), (0o700, 0o711));
    is(step_of(ContainerDir::create(&containers, "box")), ("create container", Errno::EXIST));
    drop(container);
    is(step_of(ContainerDir::create(&containers, "box")), ("create container", Errno::EXIST));
}

#[test]
fn what_is_not_a_directory_is_no_container() {
    let root = TestRoot::new();
    is(step_of(ContainerDir::open(&root.path("missing"), "box")), NONE);
    drop(root.create("box"));
    files::write(root.path("containers/file"), "").unwrap();
    symlink("box", root.path("containers/link")).unwrap();
    for id in ["missing", "file", "link"] {
        is(step_of(ContainerDir::open(&root.containers(), id)), NONE);
        is(step_of(ContainerDir::open_locked(&root.containers(), id)), NONE);
    }
    for id in ["", ".", "..", "a/b", "a\0b", &"x".repeat(256)] {
        is(step_of(ContainerDir::open(&root.containers(), id)), ("use container id", Errno::INVAL));
        is(step_of(ContainerDir::create(&root.containers(), id)), ("use container id", Errno::INVAL));
    }
    assert_eq!(ids(&root.containers()), Ok(Some(vec!["box".into()])));
    assert_eq!(ids(&root.path("missing")), Ok(None));
}

#[test]
fn a_record_is_replaced_at_once() {
    let root = TestRoot::new();
    let container = root.create("box");
    is(step_of(container.read_record()), NONE);
    let mut record = record("box");
    container.write_record(&record).unwrap();
    record.bundle = "x".repeat(100_000);
    container.write_record(&record).unwrap();
    assert_eq!(container.read_record(), Ok(record));
    assert_eq!(mode(container.path().join(RECORD)), 0o600);
    // The one before is kept, for a removal after damage.
    let [newer, older] = container.read_remains();
    assert!(newer.len() > 100_000 && !older.is_empty() && older.len() < 100_000);
}

#[test]
fn a_record_that_is_a_link_is_not_followed() {
    let root = TestRoot::new();
    let container = root.create("box");
    symlink("/etc/passwd", container.path().join(RECORD)).unwrap();
    is(step_of(container.read_record()), ("read record", Errno::LOOP));
    symlink(root.path("canary"), container.path().join(SPARE_RECORD)).unwrap();
    is(step_of(container.write_record(&record("box"))), ("write record", Errno::LOOP));
    assert!(!Path::new(&root.path("canary")).exists());
}

#[test]
fn a_lock_is_waited_for_and_ends_with_its_holder() {
    let root = TestRoot::new();
    let container = root.create("box");
    let other = ContainerDir::open(&root.containers(), "box").unwrap();
    assert_eq!(other.is_locked(), Ok(true));
    let released = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let locked = ContainerDir::open_locked(&root.containers(), "box").unwrap();
            assert!(released.load(Ordering::SeqCst));
            assert_eq!(other.is_locked(), Ok(true));
            drop(locked);
        });
        thread::sleep(Duration::from_millis(50));
        released.store(true, Ordering::SeqCst);
        drop(container);
        waiting.join().unwrap();
    });
    eventually(|| other.is_locked() == Ok(false));
}

#[test]
fn removal_follows_no_link_and_is_not_stopped_by_depth() {
    let root = TestRoot::new();
    let canary = root.path("canary");
    files::create_dir(&canary).unwrap();
    files::write(root.path("canary/file"), "here").unwrap();
    let container = root.create("box");
    let path = container.path().to_owned();
    symlink(&canary, path.join("link")).unwrap();
    files::create_dir_all(path.join("notify/x")).unwrap();
    symlink(&canary, path.join("notify/x/link")).unwrap();
    files::write(path.join("notify/file"), "").unwrap();
    for _ in 0..3 {
        files::create_dir_all(path.join("d/".repeat(100))).unwrap();
        files::write(path.join("d/".repeat(100)).join("file"), "").unwrap();
        files::rename(path.join("d"), path.join(format!("d{}", files::read_dir(&path).unwrap().count()))).unwrap();
    }
    // What an earlier removal, stopped in the middle, may have left.
    files::create_dir_all(path.join(".moved-1/x")).unwrap();
    container.remove().unwrap();
    assert!(!path.exists());
    assert_eq!(files::read_to_string(root.path("canary/file")).unwrap(), "here");
}

#[test]
fn a_directory_that_was_replaced_is_not_found() {
    let root = TestRoot::new();
    let old = root.create("box");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| ContainerDir::open_locked(&root.containers(), "box").map(drop));
        thread::sleep(Duration::from_millis(30));
        old.remove().unwrap();
        is(step_of(waiting.join().unwrap()), NONE);
    });
}

/// Creating and deleting one id from many threads: every result is one that makes sense, and nothing is left.
#[test]
fn creations_and_deletions_of_one_id_do_not_mix() {
    let root = TestRoot::new();
    let containers = root.containers();
    drop(root.create("other"));
    thread::scope(|scope| {
        for worker in 0..4 {
            let containers = &containers;
            scope.spawn(move || {
                for _ in 0..200 {
                    if worker % 2 == 0 {
                        match ContainerDir::create(containers, "box") {
                            Ok(container) => {
                                container.write_record(&record("box")).unwrap();
                                assert!(container.read_record().is_ok());
                            }
                            Err(failure) => is(step_of::<()>(Err(failure)), ("create container", Errno::EXIST)),
                        }
                    } else if let Err(failure) = destroy(containers, "box", true) {
                        is(step_of::<()>(Err(failure)), NONE);
                    }
                }
            });
        }
    });
    let _ = destroy(&containers, "box", true);
    assert_eq!(ids(&containers), Ok(Some(vec!["other".into()])));
}
