#![allow(clippy::unwrap_used)]

use super::*;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{Mode, OFlags, open},
    io::IoSliceMut,
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
};
use std::{env, fs, os::unix::net::UnixListener, path::PathBuf, process, thread};

/// A directory of this test, below one whose path is longer than an address may be.
fn directory(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("gantry-console-{}-{name}", process::id())).join("long".repeat(30));
    fs::create_dir_all(&path).unwrap();
    path
}

/// Binds in a directory too deep for an address, by going there: the tests' threads share a directory, so through /proc.
fn listen(directory: &PathBuf) -> UnixListener {
    let handle = fs::File::open(directory).unwrap();
    use std::os::fd::AsRawFd;
    UnixListener::bind(format!("/proc/self/fd/{}/console.sock", handle.as_raw_fd())).unwrap()
}

fn receive(socket: impl AsFd) -> (Vec<OwnedFd>, Vec<u8>) {
    let mut text = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::empty()).unwrap();
    let descriptors = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    (descriptors.collect(), text[..received.bytes].to_vec())
}

#[test]
fn sends_one_descriptor_and_its_name_in_one_message() {
    let directory = directory("send");
    let listener = listen(&directory);
    let receiver = thread::spawn(move || receive(listener.accept().unwrap().0));
    let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    send(directory.join("console.sock").to_str().unwrap(), null.as_fd()).unwrap();
    let (descriptors, name) = receiver.join().unwrap();
    assert_eq!(descriptors.len(), 1);
    assert_eq!(rustix::fs::fstat(&descriptors[0]).unwrap().st_rdev, rustix::fs::fstat(&null).unwrap().st_rdev);
    assert_eq!(name, b"/dev/ptmx");
    fs::remove_dir_all(directory.parent().unwrap()).unwrap();
}

#[test]
fn says_which_socket_is_missing_or_has_no_listener() {
    let directory = directory("missing");
    let path = directory.join("console.sock");
    let path = path.to_str().unwrap();
    let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let missing = send(path, null.as_fd()).unwrap_err();
    assert_eq!(missing, Failure::new("send the terminal to console socket", path, Errno::NOENT.raw_os_error()));
    drop(listen(&directory));
    assert_eq!(send_pidfd(path, null.as_fd(), "standard").unwrap_err().errno, Errno::CONNREFUSED.raw_os_error());
    fs::remove_dir_all(directory.parent().unwrap()).unwrap();
}
