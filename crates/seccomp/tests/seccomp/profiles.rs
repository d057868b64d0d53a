//! Profiles as documents: what is accepted, what is refused, flags, limits.

use crate::decisions::engine;
use seccomp::{Architecture, Error, Filter, Profile, compile, flag};
use serde_json::{Value, json};

fn compiled(document: &Value) -> Result<Filter, Error> {
    let profile: Profile = serde_json::from_value(document.clone()).unwrap();
    compile(&profile, Architecture::X86_64)
}

/// A rule for `read` beside what `rule` says.
fn with_rule(rule: &Value) -> Value {
    let mut whole = json!({"names": ["read"], "action": "SCMP_ACT_ERRNO"});
    whole.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["open"], "action": "SCMP_ACT_LOG"}, whole]})
}

#[test]
fn unknown_words_are_refused_when_the_document_is_read() {
    for document in [
        json!({"defaultAction": "SCMP_ACT_PERHAPS"}),
        json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]}),
        json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}),
        with_rule(&json!({"args": [{"index": 0, "value": 0, "op": "SCMP_CMP_LIKE"}]})),
    ] {
        assert!(serde_json::from_value::<Profile>(document).is_err());
    }
}

#[test]
fn flags_are_those_listed_and_spec_allow_without_a_list() {
    let flags = |flags: Value| compiled(&json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": flags})).unwrap().flags;
    assert_eq!(flags(Value::Null), flag::SPEC_ALLOW);
    assert_eq!(flags(json!([])), 0);
    assert_eq!(flags(json!(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"])), flag::TSYNC | flag::LOG);
    let mut document = with_rule(&json!({"action": "SCMP_ACT_NOTIFY"}));
    document["listenerPath"] = json!("/run/agent");
    document["flags"] = json!(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]);
    let filter = compiled(&document).unwrap();
    assert!(filter.notify);
    assert!(compiled(&json!({"defaultAction": "SCMP_ACT_NOTIFY"})).unwrap().notify);
    assert_eq!(filter.flags, flag::NEW_LISTENER | flag::TSYNC | flag::TSYNC_ESRCH | flag::WAIT_KILLABLE_RECV);
}

#[test]
fn every_architecture_of_the_specification_may_be_listed() {
    let names = "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X \
                 PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB";
    let listed: Vec<String> = names.split_whitespace().map(|name| format!("SCMP_ARCH_{name}")).collect();
    let profile: Profile =
        serde_json::from_value(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": listed})).unwrap();
    compile(&profile, Architecture::X86_64).unwrap();
    let error = compile(&profile, Architecture::M68k).unwrap_err();
    assert_eq!(error.to_string(), "architectures: the system calls of M68k are not known");
}

#[test]
fn a_profile_survives_being_written_and_read() {
    let text = serde_json::to_string(&engine()).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), engine());
}

#[test]
fn a_filter_that_the_kernel_would_not_take_is_refused() {
    let rules = |count: u64| {
        let rule = |value| {
            json!({"names": ["ioctl"], "action": "SCMP_ACT_ERRNO",
                                  "args": [{"index": 1, "value": value, "op": "SCMP_CMP_EQ"}]})
        };
        json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": (0..count).map(rule).collect::<Vec<_>>()})
    };
    let filter = compiled(&rules(1000)).unwrap();
    assert!(filter.instructions.len() > 4000);
    let error = compiled(&rules(1100)).unwrap_err().to_string();
    assert!(error.starts_with("its filter has 4") && error.ends_with("the kernel takes 4096"), "{error}");
}

#[test]
fn numbers_may_be_written_as_digits() {
    let value = |value: Value| {
        let rule = with_rule(&json!({"args": [{"index": 0, "value": value, "valueTwo": value, "op": "SCMP_CMP_EQ"}]}));
        serde_json::from_value::<Profile>(rule).map(|profile| profile.syscalls[1].args[0].value)
    };
    assert_eq!(value(json!("18446744073709551615")).unwrap(), u64::MAX);
    assert_eq!(value(json!(u64::MAX)).unwrap(), u64::MAX);
    assert!(value(json!("18446744073709551616")).is_err());
    assert!(value(json!("0x1")).is_err());
    assert!(value(json!(-1)).is_err());
}
