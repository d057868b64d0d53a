//! What filters decide, call by call, against the rules as the crate's documentation has them; and how fast.

use crate::{
    bpf,
    calls::{ARCHITECTURES, Call, every_call},
    model,
    random::Random,
};
use seccomp::{Action, Architecture, Filter, Profile, calls, compile};
use std::time::{Duration, Instant};

const PROFILES: usize = 600;
const CALLS: usize = 60;
const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x5_0001;
const ENOSYS: u32 = 0x5_0026;
const KILL_THREAD: u32 = 0;

/// A profile like those of container engines: most calls allowed, some depending on arguments, the others refused.
pub fn engine() -> Profile {
    serde_json::from_str(include_str!("fixtures/engine.json")).unwrap()
}

/// What a filter for an x86_64 kernel decides.
fn decide(filter: &Filter, architecture: Architecture, name: &str, arguments: [u64; 6]) -> u32 {
    let number = calls(architecture).unwrap().find(|(known, _)| *known == name).unwrap().1;
    decide_number(filter, architecture, number, arguments)
}

fn decide_number(filter: &Filter, architecture: Architecture, number: u32, arguments: [u64; 6]) -> u32 {
    bpf::run(&filter.instructions, &Call { audit: architecture.audit(), number, arguments }, false).value
}

#[test]
fn random_profiles_decide_as_documented() {
    let mut random = Random::new(1);
    for round in 0..PROFILES {
        let (native, profile) = random.profile(&ARCHITECTURES);
        let filter = compile(&profile, native).unwrap();
        for _ in 0..CALLS {
            let call = random.call(native, &profile);
            let run = bpf::run(&filter.instructions, &call, native.is_big_endian());
            let expected = model::decide(&profile, native, &call).value;
            assert_eq!(run.value, expected, "round {round}, {native:?}, {call:x?}\n{profile:#?}");
            let is_native = |audit: &u32| ARCHITECTURES.iter().any(|one| one.runs_on(native) && one.audit() == *audit);
            assert!(run.architectures.iter().all(is_native), "{:x?}", run.architectures);
        }
    }
}

#[test]
fn an_engines_profile_decides_as_documented_on_every_call() {
    let profile = engine();
    for native in [Architecture::X86_64, Architecture::Aarch64, Architecture::S390X] {
        let filter = compile(&profile, native).unwrap();
        for call in every_call(native, &mut Random::new(4)) {
            let value = bpf::run(&filter.instructions, &call, native.is_big_endian()).value;
            assert_eq!(value, model::decide(&profile, native, &call).value, "{native:?}, {call:x?}");
        }
    }
}

#[test]
fn some_decisions_of_an_engines_profile() {
    let filter = compile(&engine(), Architecture::X86_64).unwrap();
    assert!(filter.unknown.contains(&"arch_call_of_no_kernel".to_owned()), "{:?}", filter.unknown);
    assert!(filter.unknown.contains(&"set_tls".to_owned()), "of ARM, which an x86_64 kernel doesn't run");
    let x86_64 = |name, first| decide(&filter, Architecture::X86_64, name, [first, 0, 0, 0, 0, 0]);
    assert_eq!(x86_64("read", 0), ALLOW);
    assert_eq!(x86_64("mount", 0), EPERM);
    assert_eq!(x86_64("clone", 0x11), ALLOW);
    // CLONE_NEWUSER
    assert_eq!(x86_64("clone", 0x1000_0011), EPERM);
    assert_eq!(x86_64("clone3", 0), ENOSYS);
    assert_eq!(x86_64("personality", 0x20008), ALLOW);
    assert_eq!(x86_64("personality", 0x20009), EPERM);
    assert_eq!(x86_64("personality", 0x1_0002_0008), EPERM);
    assert_eq!(decide(&filter, Architecture::X86, "personality", [0x1_0002_0008, 0, 0, 0, 0, 0]), ALLOW);
    assert_eq!(decide(&filter, Architecture::X86, "mount", [0; 6]), EPERM);
    assert_eq!(decide(&filter, Architecture::X32, "readv", [0; 6]), ALLOW);
    assert_eq!(decide(&filter, Architecture::Aarch64, "read", [0; 6]), KILL_THREAD);
    assert_eq!(decide_number(&filter, Architecture::X86_64, 1000, [0; 6]), ENOSYS);
    assert_eq!(decide_number(&filter, Architecture::X32, 0x4000_03e8, [0; 6]), ENOSYS);
}

#[test]
fn calls_of_x32_die_where_it_is_not_listed() {
    let profile = Profile { architectures: vec![Architecture::X86], ..engine() };
    let filter = compile(&profile, Architecture::X86_64).unwrap();
    assert_eq!(decide(&filter, Architecture::X32, "read", [0; 6]), KILL_THREAD);
    assert_eq!(decide_number(&filter, Architecture::X86_64, 0x4000_0000, [0; 6]), KILL_THREAD);
    assert_eq!(decide(&filter, Architecture::X86, "read", [0; 6]), ALLOW);
    let filter = compile(&Profile { architectures: vec![], ..profile }, Architecture::X86_64).unwrap();
    assert_eq!(decide(&filter, Architecture::X86, "read", [0; 6]), KILL_THREAD);
}

#[test]
fn a_profile_that_allows_by_default_allows_newer_calls() {
    let profile = Profile { default_action: Action::Allow, default_errno_ret: None, ..engine() };
    let filter = compile(&profile, Architecture::X86_64).unwrap();
    assert_eq!(decide_number(&filter, Architecture::X86_64, 1000, [0; 6]), ALLOW);
}

/// What forbids a call forbids it through socketcall(2) and ipc(2), too.
#[test]
fn multiplexed_calls_follow_the_calls_that_they_make() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "syscalls": [
        {"names": ["socket", "semop"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 16, "op": "SCMP_CMP_EQ"}]},
        {"names": ["bind"], "action": "SCMP_ACT_ERRNO"}]}"#;
    let filter = compile(&serde_json::from_str(json).unwrap(), Architecture::X86_64).unwrap();
    let x86 = |name, first| decide(&filter, Architecture::X86, name, [first, 0, 0, 0, 0, 0]);
    assert_eq!(x86("socketcall", 1), EPERM);
    assert_eq!(x86("socketcall", 2), EPERM);
    assert_eq!(x86("socketcall", 3), ALLOW);
    // The upper half is a version.
    assert_eq!(x86("ipc", 0x1_0001), EPERM);
    assert_eq!(x86("ipc", 2), ALLOW);
    let json = json.replace("ACT_ERRNO", "ACT_LOG").replace("ACT_ALLOW", "ACT_ERRNO");
    let filter = compile(&serde_json::from_str(&json).unwrap(), Architecture::X86_64).unwrap();
    let x86 = |name, first| decide(&filter, Architecture::X86, name, [first, 0, 0, 0, 0, 0]);
    assert_eq!(x86("socketcall", 1), EPERM, "a condition can't be seen, so nothing is allowed for it");
    assert_eq!(x86("socketcall", 2), 0x7ffc_0000);
}

#[test]
fn the_search_is_balanced_and_short_for_common_calls() {
    let filter = compile(&engine(), Architecture::X86_64).unwrap();
    let steps = |name: &str| {
        let number = calls(Architecture::X86_64).unwrap().find(|(known, _)| *known == name).unwrap().1;
        let call = Call { audit: Architecture::X86_64.audit(), number, arguments: [0; 6] };
        bpf::run(&filter.instructions, &call, false).steps
    };
    for name in ["read", "write", "futex", "mmap", "close", "epoll_wait", "openat", "newfstatat"] {
        assert!(steps(name) <= 12, "{name}: {}", steps(name));
    }
    assert!(bpf::longest(&filter.instructions) <= 40, "{}", bpf::longest(&filter.instructions));
    assert!(filter.instructions.len() <= 600, "{}", filter.instructions.len());
}

/// Half a millisecond is the aim, in a release build.
#[test]
fn prints_how_long_it_takes_to_compile_an_engines_profile() {
    let profile = engine();
    let best: Option<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            compile(&profile, Architecture::X86_64).unwrap();
            start.elapsed()
        })
        .min();
    eprintln!("compiling a profile of {} rules: {best:?}", profile.syscalls.len());
}
