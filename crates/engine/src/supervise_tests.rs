#![allow(clippy::unwrap_used)]

use super::*;
use crate::signals::hold_signals;
use nix::sys::signal::{SigSet, Signal, raise};
use rustix::{
    fd::IntoRawFd,
    process::{PidfdFlags, pidfd_open},
};
use std::{process::Command, thread};

#[expect(clippy::zombie_processes, reason = "supervise waits for it")]
fn shell(script: &str) -> Supervision {
    let child = sys::command::unblock_signals(Command::new("sh").args(["-c", script])).spawn().unwrap();
    let pid = child.id().cast_signed();
    let pidfd = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap().into_raw_fd();
    Supervision {
        root: String::new(),
        id: String::new(),
        pid,
        pidfd,
        console: None,
        notifier: None,
        subreaper: false,
        forward_signals: false,
    }
}

#[test]
fn gives_the_exit_code_or_the_signal() {
    assert_eq!(supervise(&shell("exit 7")).unwrap(), ExitStatus { exit_code: Some(7), signal: None });
    assert_eq!(supervise(&shell("kill -9 $$")).unwrap(), ExitStatus { exit_code: None, signal: Some(9) });
    let status = supervise(&shell("sleep 0.1; exit 0")).unwrap();
    assert_eq!(serde_json::to_string(&status).unwrap(), r#"{"exitCode":0}"#);
}

/// In a thread of its own, as the mask of signals belongs to one.
#[test]
fn a_signal_that_came_before_is_forwarded_and_the_mask_restored() {
    let run = || {
        hold_signals().unwrap();
        raise(Signal::SIGTERM).unwrap();
        raise(Signal::SIGURG).unwrap();
        let request =
            Supervision { forward_signals: true, ..shell("trap 'exit 3' TERM; trap 'exit 4' URG; sleep 5 & wait") };
        let held = SigSet::thread_get_mask().unwrap();
        let status = supervise(&request).unwrap();
        assert_eq!(SigSet::thread_get_mask().unwrap(), held);
        status
    };
    let status = thread::spawn(run).join().unwrap();
    assert!(matches!(status, ExitStatus { exit_code: Some(3), .. } | ExitStatus { signal: Some(15), .. }));
}

#[test]
fn a_descriptor_that_is_not_ours_is_an_error_and_the_others_are_closed() {
    let mut request = shell("exit 0");
    request.console = Some(1 << 20);
    let failure = supervise(&request).unwrap_err();
    assert_eq!(failure, Failure::new("take over descriptor", 1 << 20, Errno::BADF.raw_os_error()));
}
