#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::TestRoot;
use std::fs;

fn errno<T: std::fmt::Debug>(result: Result<T, Failure>) -> Errno {
    Errno::from_raw_os_error(result.unwrap_err().errno)
}

#[test]
fn text_is_read_within_its_limits() {
    let root = TestRoot::new();
    let path = root.path("file");
    assert_eq!(read_text(&path), Err(Failure::new("read", &path, Errno::NOENT.raw_os_error())));
    fs::write(&path, "grüße").unwrap();
    assert_eq!(read_text(&path), Ok("grüße".into()));
    fs::write(&path, b"\xff").unwrap();
    assert_eq!(errno(read_text(&path)), Errno::ILSEQ);
    fs::write(&path, vec![b'x'; MAX_TEXT]).unwrap();
    assert_eq!(read_text(&path).map(|text| text.len()), Ok(MAX_TEXT));
    fs::write(&path, vec![b'x'; MAX_TEXT + 1]).unwrap();
    assert_eq!(errno(read_text(&path)), Errno::FBIG);
    assert_eq!(errno(read_text(&root.path(""))), Errno::ISDIR);
    assert_eq!(errno(read_text("/dev/zero")), Errno::FBIG);
    assert_eq!(errno(read_text("a\0b")), Errno::INVAL);
}

#[test]
fn a_file_is_created_once() {
    let root = TestRoot::new();
    let path = root.path("file");
    assert_eq!(create_text(&path, "text"), Ok(()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    assert_eq!(create_text(&path, "other"), Err(Failure::new("create", &path, Errno::EXIST.raw_os_error())));
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    assert_eq!(errno(create_text("/dev/full", "")), Errno::EXIST);
}

#[test]
fn a_directory_is_told_from_the_rest() {
    let root = TestRoot::new();
    fs::write(root.path("file"), "").unwrap();
    std::os::unix::fs::symlink(root.path(""), root.path("link")).unwrap();
    let answers = ["", "link", "file", "missing", "file/below"].map(|name| is_directory(&root.path(name)));
    assert_eq!(answers, [Ok(true), Ok(true), Ok(false), Ok(false), Ok(false)]);
}

#[test]
fn a_log_grows() {
    let root = TestRoot::new();
    let path = root.path("log");
    for line in ["one\n", "two\n"] {
        assert_eq!(append_log(&path, line), Ok(()));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    assert_eq!(append_log("/dev/full", "x"), Err(Failure::new("write log", "/dev/full", Errno::NOSPC.raw_os_error())));
}
