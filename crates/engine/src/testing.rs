//! What the tests of this crate share: a root that goes away, a process to take for init, a record.
#![allow(clippy::unwrap_used)]

use crate::{
    record::{Identity, Record},
    store::ContainerDir,
};
use std::{
    collections::BTreeMap,
    env, fs,
    path::PathBuf,
    process::{Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use wire::plan::RecordSeed;

/// A directory for one test, removed with all that is in it.
pub struct TestRoot(PathBuf);

impl TestRoot {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gantry-engine-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The root of the containers: not made yet.
    pub fn containers(&self) -> String {
        self.path("containers")
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn create(&self, id: &str) -> ContainerDir {
        ContainerDir::create(&self.containers(), id).unwrap()
    }

    /// A container with a record whose init is `child`, and nobody at work on it.
    pub fn container_of(&self, id: &str, child: &TestChild) -> Record {
        let mut record = record(id);
        record.init = Some(Identity::of(child.pid()).unwrap());
        self.create(id).write_record(&record).unwrap();
        record
    }
}

impl Drop for TestRoot {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Waits for what becomes true soon. A lock that was let go is held a moment longer when another test is just starting a
/// process: until that executes its program, it has a copy of every descriptor.
pub fn eventually(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !what() {
        assert!(Instant::now() < deadline, "it did not become true");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that does nothing. Killed when dropped.
pub struct TestChild(pub Child);

impl TestChild {
    pub fn new() -> Self {
        Self(Command::new("/bin/sleep").arg("1000").spawn().unwrap())
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for TestChild {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn record(id: &str) -> Record {
    let seed = RecordSeed {
        root: String::new(),
        id: id.to_owned(),
        oci_version: "1.3.0".into(),
        bundle: "/bundle".into(),
        rootfs: "/bundle/rootfs".into(),
        created: "2026-01-02T03:04:05Z".into(),
        annotations: BTreeMap::from([("\"cgroup\":[{".into(), "\"init\":{".into())]),
        resources: None,
        hooks: None,
    };
    Record::new(&seed, Vec::new())
}
