#![allow(clippy::unwrap_used)]

use super::{
    super::tests::{hear, setting},
    *,
};
use rustix::net::sockopt::set_socket_passcred;
use std::{
    fs::File,
    io::{Read, Write},
    os::unix::net::UnixDatagram,
    process, thread,
};

fn say(service: &UnixDatagram, text: &str, descriptors: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(descriptors));
    sendmsg(service, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::empty()).unwrap();
}

fn hear_with_descriptors(manager: &UnixDatagram) -> (String, Vec<OwnedFd>) {
    let mut text = [0; MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(manager, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::empty()).unwrap();
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    (String::from_utf8(text[..received.bytes].to_vec()).unwrap(), descriptors.flatten().collect())
}

fn is_closed(reader: &OwnedFd) -> bool {
    wait::ready([Some(PollFd::new(reader, PollFlags::IN))], Some(&Timespec::default())).unwrap() == [true]
}

#[test]
fn keeps_order_and_loses_nothing_when_the_manager_is_slow() {
    let mut setting = setting("slow", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
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
fn a_barrier_of_the_service_is_answered_when_the_manager_has_read_all_before_it() {
    let mut setting = setting("barrier", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
    let service = setting.service();
    service.send(b"STATUS=before").unwrap();
    let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    say(&service, "BARRIER=1", &[theirs.as_fd()]);
    drop(theirs);
    assert!(!proxy.serve().unwrap());
    assert_eq!(hear(&setting.manager), "STATUS=before");
    assert!(!is_closed(&ours));
    assert_eq!(hear_with_descriptors(&setting.manager).0, "BARRIER=1");
    assert!(is_closed(&ours));
}

#[test]
fn descriptors_to_be_stored_reach_the_manager_and_others_are_closed() {
    let mut setting = setting("store", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
    let service = setting.service();
    let (stored, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    say(&service, "FDSTORE=1\nFDNAME=pipe", &[theirs.as_fd(), theirs.as_fd()]);
    drop(theirs);
    let (dropped, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    say(&service, "STATUS=up", &[theirs.as_fd()]);
    drop(theirs);
    assert!(!proxy.serve().unwrap());
    let (text, descriptors) = hear_with_descriptors(&setting.manager);
    assert_eq!((text.as_str(), descriptors.len()), ("FDSTORE=1\nFDNAME=pipe", 2));
    for descriptor in descriptors {
        File::from(descriptor).write_all(b"here").unwrap();
    }
    let mut text = String::new();
    File::from(stored).read_to_string(&mut text).unwrap();
    assert_eq!(text, "herehere");
    let (text, descriptors) = hear_with_descriptors(&setting.manager);
    assert_eq!((text.as_str(), descriptors.len()), ("STATUS=up", 0));
    assert!(is_closed(&dropped));
}

#[test]
fn as_many_descriptors_as_a_message_can_have_are_passed_on() {
    let mut setting = setting("many", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
    let null = File::open("/dev/null").unwrap();
    say(&setting.service(), "FDSTORE=1", &[null.as_fd(); DESCRIPTORS]);
    assert!(!proxy.serve().unwrap());
    assert_eq!(hear_with_descriptors(&setting.manager).1.len(), DESCRIPTORS);
}

#[test]
fn a_message_too_long_is_not_cut() {
    let mut setting = setting("long", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
    let service = setting.service();
    let longest = format!("STATUS={}", "x".repeat(MESSAGE - GROWTH - "STATUS=".len()));
    service.send(format!("{longest}x").as_bytes()).unwrap();
    service.send(longest.as_bytes()).unwrap();
    assert!(!proxy.serve().unwrap());
    assert_eq!(hear(&setting.manager), longest);
    setting.manager.set_nonblocking(true).unwrap();
    assert!(setting.manager.recv(&mut [0; 16]).is_err());
}

#[test]
fn a_flood_is_held_back_without_loss_and_last_words_are_not() {
    let mut setting = setting("flood", None);
    let mut proxy = setting.proxy(process::id().cast_signed());
    let service = setting.service();
    assert!(proxy.pause().is_none());
    // As if all had come in a window that has just begun.
    (proxy.window, proxy.taken) = (Instant::now() + Duration::from_secs(600), MOST);
    service.send(b"STATUS=too much").unwrap();
    assert!(!proxy.serve().unwrap());
    assert!(proxy.pause().is_some());
    assert!(proxy.interest().is_none());
    setting.manager.set_nonblocking(true).unwrap();
    assert!(setting.manager.recv(&mut [0; 16]).is_err());
    // The window is over.
    proxy.window = Instant::now().checked_sub(WINDOW).unwrap();
    assert!(proxy.pause().is_none());
    assert!(!proxy.serve().unwrap());
    assert_eq!(hear(&setting.manager), "STATUS=too much");
    assert_eq!(proxy.taken, 1);

    (proxy.window, proxy.taken) = (Instant::now() + Duration::from_secs(600), MOST);
    service.send(b"READY=1").unwrap();
    assert!(proxy.finish().unwrap());
}

#[test]
fn speaks_in_inits_name_once_the_manager_knows_it() {
    let mut init = process::Command::new("sleep").arg("60").spawn().unwrap();
    let pid = init.id().cast_signed();
    let mut setting = setting("name", None);
    set_socket_passcred(&setting.manager, true).unwrap();
    let mut proxy = setting.proxy(pid);
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
