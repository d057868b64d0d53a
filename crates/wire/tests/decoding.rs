//! What comes out of bytes that no honest end has sent: a refusal, never a panic. Init decodes what the engine sends, the engine what
//! init sends; and init runs where a container's processes may be able to write into its socket.
#![allow(clippy::unwrap_used)]

use serde::{Serialize, de::DeserializeOwned};
use wire::{
    Failure,
    frame::{FromInit, HEADER, MAX_FRAME, ToInit, body_length, decode, encode},
    plan::{Filter, InitPlan, LaunchPlan, Step},
};

/// xorshift64*: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

/// A plan with a step of nearly every kind.
fn plan() -> InitPlan {
    let steps = r#"[
        "loopbackUp", {"hostPropagation": {"to": "slave"}}, {"rootfs": {"path": "/bundle/rootfs"}},
        {"mount": {"target": "/proc", "what": {"filesystem": {"kind": "proc", "parameters": [{"name": "hidepid", "value": "2"}]}},
                   "set": ["nosuid", "noexec"]}},
        {"mount": {"target": "/data", "what": {"bind": {"source": "/data", "recursive": true}},
                   "propagation": [{"to": "slave", "recursive": true}]}},
        {"device": {"path": "/dev/null", "kind": "c", "major": 1, "minor": 3, "mode": 438, "uid": 0, "gid": 0}},
        {"link": {"target": "/proc/self/fd", "path": "/dev/fd"}}, {"directory": {"path": "/work"}}, "pivotRoot",
        {"terminal": {"rows": 24, "columns": 80, "uid": 0, "console": true}}, "newSession", {"sessionKeyring": {"name": "_ses.c1"}},
        "readonlyRoot", {"hostname": {"name": "host"}}, {"sysctl": {"path": "net/ipv4/ip_forward", "value": "1"}},
        {"readonlyPath": {"path": "/proc/sys"}}, {"maskedPath": {"path": "/proc/kcore"}}, {"umask": {"mask": 18}},
        {"scheduler": {"policy": 6, "flags": 1, "nice": -5, "priority": 0, "runtime": "1", "deadline": "2", "period": "18446744073709551615"}},
        {"ioPriority": {"class": 2, "priority": 7}}, {"personality": {"domain": 8}},
        {"memoryPolicy": {"mode": 2, "nodes": [0, 1]}}, {"cpuAffinity": {"cpus": [0, 4095]}},
        {"rlimit": {"resource": 7, "soft": "1024", "hard": "18446744073709551615"}},
        {"credentials": {"uid": 0, "gid": 0, "groups": [1, 2], "keepAdmin": true, "capabilities":
            {"bounding": [0], "effective": [0], "permitted": [0], "inheritable": [], "ambient": []}}},
        {"workingDirectory": {"path": "/work"}}, "findProgram", "commit", "gate", "noNewPrivileges",
        {"exec": {"args": ["sh", "-c", "true"], "env": ["PATH=/bin", "A=ä"], "homeOf": 0, "listenPid": false}}
    ]"#;
    let steps: Vec<Step> = serde_json::from_str(steps).unwrap();
    let filter = Filter { instructions: vec![(0x20, 0, 0, 4), (0x15, 1, 255, u32::MAX)], flags: 12 };
    InitPlan { steps, filter: Some(filter), ..InitPlan::default() }
}

fn body(message: &impl Serialize) -> Vec<u8> {
    encode(message).unwrap().split_off(HEADER)
}

/// Decodes it if it can be, and then to something that can be said again.
fn survives<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> bool {
    decode::<T>(bytes).is_ok_and(|message| {
        assert!(encode(&message).is_ok());
        true
    })
}

#[test]
fn what_is_sent_is_received() {
    let plan = plan();
    match decode::<ToInit>(&body(&ToInit::Plan(&plan))).unwrap() {
        ToInit::Plan(received) => assert_eq!(received, plan),
        other => panic!("{other:?}"),
    }
    let failure = FromInit::Failed(Failure::new("mount", "/proc", 22));
    assert_eq!(decode::<FromInit>(&body(&failure)).unwrap(), failure);
}

#[test]
fn a_message_that_is_cut_or_goes_on_is_refused() {
    let whole = body(&ToInit::Plan(&plan()));
    for length in 0..whole.len() {
        assert!(decode::<ToInit>(&whole[..length]).is_err(), "{length}");
    }
    assert!(decode::<ToInit>(&[&whole[..], &[0]].concat()).is_err());
}

#[test]
fn arbitrary_bytes_are_refused_or_a_message() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut messages = 0;
    for _ in 0..200_000 {
        let length = random.below(64);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        messages += usize::from(survives::<ToInit>(&bytes)) + usize::from(survives::<FromInit>(&bytes));
        let _ = serde_json::from_slice::<LaunchPlan>(&bytes);
    }
    assert!(messages > 0);
}

#[test]
fn a_message_with_wrong_bytes_is_refused_or_another_message() {
    let whole = body(&ToInit::Plan(&plan()));
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let place = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[place] = random.next() as u8,
                1 => bytes[place] ^= 1 << random.below(8),
                2 => drop(bytes.remove(place)),
                // The length of a list or text that is longer than all there is.
                _ => bytes.splice(place..place, [0xff, 0xff, 0xff, 0xff, 0x0f]).for_each(drop),
            }
        }
        if survives::<ToInit>(&bytes) { read += 1 } else { refused += 1 }
    }
    assert!(refused > 1000 && read > 1000, "{refused} {read}");
}

#[test]
fn a_length_beyond_the_largest_frame_is_refused() {
    for length in [MAX_FRAME + 1, u32::MAX as usize] {
        assert!(body_length(u32::try_from(length).unwrap().to_le_bytes()).is_err());
    }
    assert_eq!(body_length(u32::try_from(MAX_FRAME).unwrap().to_le_bytes()), Ok(MAX_FRAME));
}
