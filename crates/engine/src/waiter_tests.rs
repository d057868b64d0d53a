#![allow(clippy::expect_used, clippy::zombie_processes, reason = "the waiter reaps")]

use super::{cancel, number, signal, wait};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

fn sleeper(script: &str) -> Child {
    Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::piped()).spawn().expect("a shell")
}

fn pidfd(child: &Child) -> rustix::fd::OwnedFd {
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("a pidfd")
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("threads").count()
}

#[test]
fn many_are_waited_for_by_one_thread() {
    let (sender, ends) = mpsc::channel();
    let children: Vec<Child> = (0..20).map(|code| sleeper(&format!("read line; exit {code}"))).collect();
    let tell = |index: usize| {
        let sender = sender.clone();
        Box::new(move |status: super::ExitStatus| sender.send((index, status.exit_code)).expect("a listener"))
    };
    wait(number(), pidfd(&children[0]), tell(0)).expect("waits");
    let before = threads();
    for (index, child) in children.iter().enumerate().skip(1) {
        wait(number(), pidfd(child), tell(index)).expect("waits");
    }
    assert!(threads() <= before + 1, "{} threads, {before} before", threads());
    // The end of its input is what each of them waits for.
    drop(children);
    let mut heard: Vec<_> = (0..20).map(|_| ends.recv().expect("an end")).collect();
    heard.sort_unstable();
    assert_eq!(heard, (0..20).map(|code| (code as usize, Some(code))).collect::<Vec<_>>());
}

#[test]
fn one_that_is_cancelled_is_never_told() {
    let mut child = sleeper("read line");
    let (sender, ends) = mpsc::channel();
    let number = number();
    wait(number, pidfd(&child), Box::new(move |_| sender.send(()).expect("a listener"))).expect("waits");
    assert!(cancel(number));
    assert!(!cancel(number));
    drop(child.stdin.take());
    child.wait().expect("still ours to wait for");
    assert!(ends.recv().is_err());
}

#[test]
fn one_that_is_waited_for_can_be_sent_a_signal_until_it_has_ended() {
    let child = sleeper("read line");
    let (sender, ends) = mpsc::channel();
    let number = number();
    wait(number, pidfd(&child), Box::new(move |status| sender.send(status.signal).expect("a listener")))
        .expect("waits");
    assert!(signal(number, 0).expect("may be looked at"));
    assert!(signal(number, 9).expect("may be killed"));
    assert_eq!(ends.recv(), Ok(Some(9)));
    assert!(!signal(number, 9).expect("is gone"));
}
