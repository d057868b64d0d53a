//! Filters in the kernel: loaded in a process of their own, which then makes calls.

use crate::decisions::engine;
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketType, socket},
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
    thread::set_no_new_privs,
};
use seccomp::{Action, Architecture, Profile, compile};
use std::{
    env,
    fs::create_dir,
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
};
use sys::seccomp::{Instruction, load};

const SIGSYS: i32 = 31;
/// What the test program is told to be, in that process.
const CHILD: &str = "SECCOMP_TEST_CHILD";

fn load_profile(profile: &Profile) {
    let filter = compile(profile, Architecture::native().unwrap()).unwrap();
    let convert = |one: &seccomp::Instruction| Instruction {
        code: one.code,
        jump_true: one.jump_true,
        jump_false: one.jump_false,
        operand: one.operand,
    };
    let instructions: Vec<Instruction> = filter.instructions.iter().map(convert).collect();
    set_no_new_privs(true).unwrap();
    assert!(load(&instructions, filter.flags).unwrap().is_none());
}

/// Runs one of this file's tests again, as the child that loads the filter.
fn in_child(test: &str) -> Output {
    let program = env::current_exe().unwrap();
    Command::new(program).args(["--exact", &format!("kernel::{test}"), "--nocapture"]).env(CHILD, "").output().unwrap()
}

fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

#[test]
fn calls_are_allowed_and_refused_as_the_profile_says() {
    if !is_child() {
        let output = in_child("calls_are_allowed_and_refused_as_the_profile_says");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let mut profile = engine();
    // pidfd_getfd has number 438, and no higher one is named any more.
    let newest = ["openat2", "close_range", "clone3", "pidfd_open"];
    let known = |name: &String| {
        seccomp::calls(Architecture::native().unwrap())
            .unwrap()
            .any(|(call, number)| call == name && (number < 434 || newest.contains(&call)))
    };
    profile.syscalls.iter_mut().for_each(|rule| rule.names.retain(known));
    profile.syscalls.retain(|rule| !rule.names.is_empty());
    let refused = json_rule(r#"{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}"#);
    profile.syscalls.insert(0, refused);
    load_profile(&profile);

    assert_eq!(create_dir("/tmp/never").unwrap_err().raw_os_error(), Some(122));
    socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    assert_eq!(socket(AddressFamily::VSOCK, SocketType::STREAM, None).unwrap_err(), Errno::PERM);
    let hostname = rustix::system::sethostname(b"never").unwrap_err();
    assert_eq!(hostname, Errno::PERM);
    let pidfd = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    assert_eq!(pidfd_getfd(&pidfd, 0, PidfdGetfdFlags::empty()).unwrap_err(), Errno::NOSYS);
    std::thread::spawn(|| ()).join().unwrap();
}

#[test]
fn a_call_can_kill_the_process() {
    if !is_child() {
        assert_eq!(in_child("a_call_can_kill_the_process").status.signal(), Some(SIGSYS));
        return;
    }
    let mut profile = engine();
    profile.syscalls = vec![json_rule(r#"{"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}"#)];
    profile.default_action = Action::Allow;
    profile.default_errno_ret = None;
    load_profile(&profile);
    let _ = rustix::system::sethostname(b"never");
}

#[test]
fn the_kernel_takes_the_largest_filters() {
    if !is_child() {
        let output = in_child("the_kernel_takes_the_largest_filters");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let rule = |value| {
        let condition = format!(r#"{{"index": 1, "value": {value}, "op": "SCMP_CMP_EQ"}}"#);
        json_rule(&format!(r#"{{"names": ["ioctl"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{condition}]}}"#))
    };
    let syscalls = (1u64..600).map(|value| rule(value << 40)).collect();
    load_profile(&Profile { syscalls, default_action: Action::Allow, default_errno_ret: None, ..engine() });
}

fn json_rule(text: &str) -> seccomp::Rule {
    serde_json::from_str(text).unwrap()
}
