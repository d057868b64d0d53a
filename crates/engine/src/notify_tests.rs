#![allow(clippy::unwrap_used)]

use super::proxy::MESSAGE;
use super::*;
use crate::record::{Identity, Record};
use rustix::fd::IntoRawFd;
use std::{
    collections::BTreeMap, env, fs, os::unix::net::UnixDatagram, path::PathBuf, process, thread, time::Duration,
};
use wire::plan::RecordSeed;

pub(super) struct Setting {
    root: PathBuf,
    pub(super) manager: UnixDatagram,
    notifier: OwnedFd,
}

/// A container's directory with a notifier, and a manager that listens at `address` (or, with none, at a path too long for one).
pub(super) fn setting(name: &str, address: Option<&str>) -> Setting {
    let root = env::temp_dir().join(format!("gantry-notify-{}-{name}", process::id())).join("long".repeat(30));
    fs::create_dir_all(&root).unwrap();
    let (manager, target) = match address {
        Some(abstract_name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(abstract_name).unwrap();
            (UnixDatagram::bind_addr(&address).unwrap(), format!("@{abstract_name}"))
        }
        None => {
            let directory = fs::File::open(&root).unwrap();
            let path = format!("/proc/self/fd/{}/manager.sock", directory.as_raw_fd());
            (UnixDatagram::bind(path).unwrap(), root.join("manager.sock").to_str().unwrap().to_owned())
        }
    };
    manager.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let container = ContainerDir::create(root.to_str().unwrap(), "c").unwrap();
    fs::create_dir(container.path().join("notify")).unwrap();
    let notifier = bind(&container, &target).unwrap();
    Setting { root, manager, notifier }
}

impl Setting {
    /// A service in the container.
    pub(super) fn service(&self) -> UnixDatagram {
        let service = UnixDatagram::unbound().unwrap();
        let directory = fs::File::open(self.root.join("c/notify")).unwrap();
        service.connect(format!("/proc/self/fd/{}/notify.sock", directory.as_raw_fd())).unwrap();
        service
    }

    pub(super) fn request(&mut self, init: i32) -> AwaitReady {
        let root = self.root.to_str().unwrap();
        let seed = RecordSeed {
            root: root.to_owned(),
            id: "c".to_owned(),
            oci_version: String::new(),
            bundle: String::new(),
            rootfs: String::new(),
            created: String::new(),
            annotations: BTreeMap::new(),
            resources: None,
            hooks: None,
        };
        let mut record = Record::new(&seed, Vec::new());
        record.init = Some(Identity::of(init).unwrap());
        ContainerDir::open(root, "c").unwrap().write_record(&record).unwrap();
        let (notifier, _) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).unwrap();
        let notifier = std::mem::replace(&mut self.notifier, notifier).into_raw_fd();
        AwaitReady { root: root.to_owned(), id: "c".to_owned(), notifier, pid: init }
    }

    pub(super) fn proxy(&mut self, init: i32) -> Proxy {
        let request = self.request(init);
        Proxy::open(sys::descriptor::adopt(request.notifier).unwrap(), init).unwrap()
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.root.parent().unwrap());
    }
}

pub(super) fn hear(manager: &UnixDatagram) -> String {
    let mut text = [0; MESSAGE];
    let length = manager.recv(&mut text).unwrap();
    String::from_utf8(text[..length].to_vec()).unwrap()
}

#[test]
fn waits_for_ready_and_for_the_manager_to_have_read_it() {
    let mut init = process::Command::new("sleep").arg("60").spawn().unwrap();
    let pid = init.id().cast_signed();
    for address in [None, Some(format!("gantry-test-{}", process::id()))] {
        let mut setting = setting("ready", address.as_deref());
        let request = setting.request(pid);
        let service = setting.service();
        service.send(b"STATUS=warming up").unwrap();
        service.send(b"FDSTORE=1").unwrap();
        service.send(b"STATUS=up\nREADY=1\nMAINPID=1").unwrap();
        let waiting = thread::spawn(move || await_ready(&request));
        assert_eq!(hear(&setting.manager), "STATUS=warming up");
        assert_eq!(hear(&setting.manager), format!("STATUS=up\nREADY=1\nMAINPID={pid}"));
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        assert_eq!(hear(&setting.manager), "BARRIER=1");
        waiting.join().unwrap().unwrap();
    }
    init.kill().unwrap();
    init.wait().unwrap();
}

#[test]
fn does_not_hang_when_init_dies_without_a_word() {
    let mut init = process::Command::new("sleep").arg("60").spawn().unwrap();
    let mut setting = setting("dies", None);
    let request = setting.request(init.id().cast_signed());
    let waiting = thread::spawn(move || await_ready(&request));
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    init.kill().unwrap();
    waiting.join().unwrap().unwrap();
    init.wait().unwrap();
}

#[test]
fn does_not_hang_when_init_is_gone_or_deleted_already() {
    let mut init = process::Command::new("true").spawn().unwrap();
    let mut gone = setting("gone", None);
    let request = gone.request(init.id().cast_signed());
    init.wait().unwrap();
    gone.service().send(b"READY=1").unwrap();
    let manager = gone.manager.try_clone().unwrap();
    let hearing = thread::spawn(move || (hear(&manager), hear(&manager)));
    await_ready(&request).unwrap();
    assert_eq!(hearing.join().unwrap(), (format!("READY=1\nMAINPID={}", init.id()), "BARRIER=1".to_owned()));

    let mut deleted = setting("deleted", None);
    let mut request = deleted.request(process::id().cast_signed());
    request.id = "other".to_owned();
    await_ready(&request).unwrap();
}

#[test]
fn a_missing_manager_or_directory_is_named() {
    let setting = setting("missing", None);
    let root = setting.root.to_str().unwrap();
    let container = ContainerDir::open(root, "c").unwrap();
    let missing = bind(&container, "/nowhere/notify").unwrap_err();
    assert_eq!(missing, Failure::new("connect to the notify socket", "/nowhere/notify", Errno::NOENT.raw_os_error()));
    fs::remove_dir_all(container.path().join("notify")).unwrap();
    let target = setting.root.join("manager.sock");
    let missing = bind(&container, target.to_str().unwrap()).unwrap_err();
    assert_eq!(missing, Failure::new("make the notify socket of container", "c", Errno::NOENT.raw_os_error()));
}
