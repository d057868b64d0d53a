#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{TestChild, record};

fn full() -> Record {
    let reference = |path: &str, inode| CgroupRef { path: path.into(), version: 2, inode, freezer: true };
    let mut record = record("box");
    record.cgroup = vec![reference("/sys/fs/cgroup/a", Some(u64::MAX)), reference("/sys/fs/cgroup/b", None)];
    record.init = Some(Identity { pid: 7, start_time: u64::MAX });
    record
}

#[test]
fn is_read_as_it_was_written() {
    let record = full();
    assert_eq!(Record::from_json("box", &record.to_json().unwrap()), Ok(record));
}

#[test]
fn anything_else_is_an_error() {
    let json = String::from_utf8(full().to_json().unwrap()).unwrap();
    let errno = |json: &str| Record::from_json("box", json.as_bytes()).map_err(|failure| (failure.step, failure.errno));
    let damaged = Err(("read record".into(), Errno::BADMSG.raw_os_error()));
    for length in 0..json.len() {
        assert_eq!(errno(&json[..length]), damaged, "{length}");
    }
    for bad in ["null", "[]", "{}", "{\"version\":\"1\"}", "{\"version\":1}", &json.replace("box", "other")] {
        assert_eq!(errno(bad), damaged, "{bad}");
    }
    assert_eq!(
        Record::from_json("box", br#"{"version":2,"later":true}"#),
        Err(Failure::new("read record", "box (version 2, not 1)", Errno::PROTO.raw_os_error()))
    );
}

#[test]
fn what_remains_of_a_torn_record_is_found() {
    let record = full();
    let json = String::from_utf8(record.to_json().unwrap()).unwrap();
    for length in 0..json.len() {
        let remains = Remains::of(&json[..length]);
        assert!(record.cgroup.starts_with(&remains.cgroup));
        assert!(remains.init.is_none() || remains.init == record.init);
    }
    let cut = json.find("\"id\"").unwrap();
    assert_eq!(Remains::of(&json[..cut]), Remains { cgroup: record.cgroup, init: record.init });
}

#[test]
fn what_is_flipped_in_a_record_is_survived() {
    let json = full().to_json().unwrap();
    for index in 0..json.len() {
        for bit in 0..8 {
            let mut flipped = json.clone();
            flipped[index] ^= 1 << bit;
            let _ = Record::from_json("box", &flipped);
            let _ = Remains::of(&String::from_utf8_lossy(&flipped));
        }
    }
}

#[test]
fn a_process_may_be_called_anything() {
    let stat = b"5 (a) R 1 (b) Z 2) S 1 5 5 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9";
    let stat = parse_stat(stat).unwrap();
    assert_eq!((stat.start_time, stat.ended), (4242, false));
    assert!(parse_stat(b"5 (a) Z 1 5 5 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9").unwrap().ended);
    for bad in [b"".as_slice(), b"5 (a", b"5 (a) S 1 2", b"5 (a) \xff"] {
        assert!(parse_stat(bad).is_none());
    }
}

#[test]
fn a_process_is_told_from_a_later_one() {
    let mut child = TestChild::new();
    let identity = Identity::of(child.pid()).unwrap();
    let pidfd = identity.open().unwrap().unwrap();
    assert!(!has_ended(&pidfd, std::time::Duration::ZERO).unwrap());
    assert!(Identity { start_time: identity.start_time + 1, ..identity }.open().unwrap().is_none());

    // A zombie counts as gone.
    child.0.kill().unwrap();
    assert!(has_ended(&pidfd, std::time::Duration::from_secs(5)).unwrap());
    assert!(identity.open().unwrap().is_none());
    child.0.wait().unwrap();
    assert!(identity.open().unwrap().is_none());
    for pid in [0, -1, i32::MIN] {
        assert!(Identity { pid, ..identity }.open().unwrap().is_none());
    }
}
