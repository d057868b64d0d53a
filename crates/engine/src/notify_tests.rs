#![allow(clippy::unwrap_used)]

use super::*;
use crate::record::{Identity, Record};
use rustix::{fd::IntoRawFd, net::sockopt::set_socket_passcred};
use std::{
    collections::BTreeMap, env, fs, os::unix::net::UnixDatagram, path::PathBuf, process, thread, time::Duration,
};
use wire::plan::RecordSeed;

fn passed_on(text: &str) -> Option<(String, bool)> {
    Message::from_container(text.as_bytes(), 4711)
        .map(|message| (String::from_utf8(message.text).unwrap(), message.ready))
}

#[test]
fn only_known_lines_pass_and_mainpid_is_inits() {
    let cases: [(&str, Option<(&str, bool)>); 12] = [
        ("READY=1", Some(("READY=1\nMAINPID=4711", true))),
        ("STATUS=up\nREADY=1\n", Some(("STATUS=up\nREADY=1\nMAINPID=4711", true))),
        ("READY=1\nMAINPID=1\nSTATUS=a=b", Some(("READY=1\nSTATUS=a=b\nMAINPID=4711", true))),
        ("MAINPID=1", Some(("MAINPID=4711", false))),
        ("STATUS=READY=1", Some(("STATUS=READY=1", false))),
        ("WATCHDOG=1", Some(("WATCHDOG=1", false))),
        ("RELOADING=1\nMONOTONIC_USEC=12", Some(("RELOADING=1\nMONOTONIC_USEC=12", false))),
        ("FDSTORE=1\nFDNAME=x", None),
        ("READY=0", None),
        ("BARRIER=1", None),
        ("STATUS=a\0b\nSTOPPING=1", Some(("STOPPING=1", false))),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(passed_on(text), expected.map(|(text, ready)| (text.to_owned(), ready)), "{text:?}");
    }
}

struct Setting {
    root: PathBuf,
    manager: UnixDatagram,
    notifier: OwnedFd,
}

/// A container's directory with a notifier, and a manager that listens at `address` (or, with none, at a path too long for one).
fn setting(name: &str, address: Option<&str>) -> Setting {
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
    fn service(&self) -> UnixDatagram {
        let service = UnixDatagram::unbound().unwrap();
        let directory = fs::File::open(self.root.join("c/notify")).unwrap();
        service.connect(format!("/proc/self/fd/{}/notify.sock", directory.as_raw_fd())).unwrap();
        service
    }

    fn request(&mut self, init: i32) -> AwaitReady {
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
}

impl Drop for Setting {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.root.parent().unwrap());
    }
}

fn hear(manager: &UnixDatagram) -> String {
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
fn keeps_order_and_loses_nothing_when_the_manager_is_slow() {
    let mut setting = setting("slow", None);
    let request = setting.request(process::id().cast_signed());
    let mut proxy = Proxy::open(sys::descriptor::adopt(request.notifier).unwrap(), request.pid).unwrap();
    let service = setting.service();
    let talking = thread::spawn(move || {
        for number in 0..200 {
            service.send(format!("STATUS={number}").as_bytes()).unwrap();
        }
    });
    let mut heard = Vec::new();
    while heard.len() < 200 {
        proxy.serve().unwrap();
        if proxy.pending.is_some() || talking.is_finished() {
            heard.push(hear(&setting.manager));
        }
    }
    talking.join().unwrap();
    assert_eq!(heard, (0..200).map(|number| format!("STATUS={number}")).collect::<Vec<_>>());
}

#[test]
fn a_barrier_of_the_service_is_answered_and_a_message_too_long_is_not_cut() {
    let mut setting = setting("barrier", None);
    let request = setting.request(process::id().cast_signed());
    let mut proxy = Proxy::open(sys::descriptor::adopt(request.notifier).unwrap(), request.pid).unwrap();
    let service = setting.service();
    service.send(format!("STATUS={}", "x".repeat(MESSAGE)).as_bytes()).unwrap();
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    send_with(service.as_fd(), b"BARRIER=1", SendAncillaryMessage::ScmRights(&[theirs.as_fd()])).unwrap();
    drop(theirs);
    assert!(!proxy.serve().unwrap());
    let answered = wait::ready([Some(PollFd::new(&ours, PollFlags::IN))], Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    assert_eq!(answered, Ok([true]));
    setting.manager.set_nonblocking(true).unwrap();
    assert!(setting.manager.recv(&mut [0; 16]).is_err());
}

#[test]
fn speaks_in_inits_name_once_the_manager_knows_it() {
    let mut init = process::Command::new("sleep").arg("60").spawn().unwrap();
    let pid = init.id().cast_signed();
    let mut setting = setting("name", None);
    set_socket_passcred(&setting.manager, true).unwrap();
    let request = setting.request(pid);
    let mut proxy = Proxy::open(sys::descriptor::adopt(request.notifier).unwrap(), pid).unwrap();
    let service = setting.service();
    service.send(b"READY=1").unwrap();
    service.send(b"WATCHDOG=1").unwrap();
    assert!(proxy.serve().unwrap());
    let sender = || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        recvmsg(&setting.manager, &mut [IoSliceMut::new(&mut [0; 64])], &mut control, RecvFlags::empty()).unwrap();
        match control.drain().next() {
            Some(RecvAncillaryMessage::ScmCredentials(credentials)) => credentials.pid.as_raw_pid(),
            _ => panic!("no credentials"),
        }
    };
    assert_eq!(sender(), process::id().cast_signed());
    let expected = if rustix::process::geteuid().is_root() { pid } else { process::id().cast_signed() };
    assert_eq!(sender(), expected);
    init.kill().unwrap();
    init.wait().unwrap();
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
