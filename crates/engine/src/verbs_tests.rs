#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{TestChild, TestRoot};
use serde_json::{Value, json};
use std::{fs, os::fd::IntoRawFd};

fn ask(verb: &str, request: &Value) -> Value {
    serde_json::from_str(&call(verb, &request.to_string())).unwrap()
}

#[test]
fn answers_are_wrapped_and_so_are_failures() {
    let root = TestRoot::new();
    let path = root.path("file");
    assert_eq!(ask("createText", &json!({"path": path, "text": "t"})), json!({"ok": null}));
    assert_eq!(call("readText", &json!({"path": path}).to_string()), "=t");
    assert_eq!(
        ask("createText", &json!({"path": path, "text": "t"})),
        json!({"failure": {"step": "create", "object": path, "errno": 17, "detail": null}})
    );
    assert_eq!(ask("isDirectory", &json!({"path": root.path("")})), json!({"ok": true}));
    assert_eq!(ask("appendLog", &json!({"path": root.path("log"), "text": "t"})), json!({"ok": null}));
    assert_eq!(ask("writeOutput", &json!({"text": ""})), json!({"ok": null}));
    assert_eq!(ask("writeError", &json!({"text": ""})), json!({"ok": null}));
}

#[test]
fn facts_have_the_names_of_the_host_interface() {
    let answer = ask("facts", &json!({ "cgroups": true }));
    let names: Vec<&String> = answer["ok"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["capabilities", "cgroups", "egid", "euid", "inUserNamespace", "kernel"]);
}

#[test]
fn a_container_is_listed_inspected_signalled_and_destroyed() {
    let root = TestRoot::new();
    let mut child = TestChild::new();
    assert_eq!(ask("list", &json!({"root": root.containers()})), json!({"ok": {"missing": true, "containers": []}}));
    let record = root.container_of("box", &child);
    let expected = json!({
        "id": "box", "status": "running", "pid": child.pid(), "ociVersion": "1.3.0", "bundle": "/bundle",
        "rootfs": "/bundle/rootfs", "created": "2026-01-02T03:04:05Z", "owner": record.owner,
        "annotations": record.annotations,
    });
    let container = json!({"root": root.containers(), "id": "box"});
    assert_eq!(ask("inspect", &container), json!({"ok": expected}));
    fs::write(root.path("containers/box/record.json"), "{").unwrap();
    let failure = json!({"step": "read record", "object": "box", "errno": 74, "detail": null});
    assert_eq!(
        ask("list", &json!({"root": root.containers()})),
        json!({"ok": {"missing": false, "containers": [{"id": "box", "failure": failure}]}})
    );
    assert_eq!(
        ask("destroy", &json!({"root": root.containers(), "id": "box", "force": true})),
        json!({"ok": {"warnings": []}})
    );

    root.container_of("box", &child);
    assert_eq!(
        ask("signal", &json!({"root": root.containers(), "id": "box", "signal": 9, "all": false})),
        json!({"ok": null})
    );
    child.0.wait().unwrap();
    assert_eq!(
        ask("destroy", &json!({"root": root.containers(), "id": "box", "force": false})),
        json!({"ok": {"warnings": []}})
    );
}

#[test]
fn a_descriptor_is_closed_once() {
    let file = fs::File::open("/dev/null").unwrap();
    // High enough that no other test gets the number meanwhile.
    let high = rustix::io::fcntl_dupfd_cloexec(&file, 900).unwrap().into_raw_fd();
    assert_eq!(ask("close", &json!({"descriptor": high})), json!({"ok": null}));
    for number in [high, -1, 0, 1, 2] {
        assert_eq!(ask("close", &json!({"descriptor": number}))["failure"]["errno"], 9, "{number}");
    }
}

#[test]
fn requests_that_are_none_are_refused() {
    for (verb, request) in [
        ("readText", "{}"),
        ("readText", "nonsense"),
        ("readText", r#"{"path":1}"#),
        ("close", r#"{"descriptor":4294967296}"#),
        ("launch", "{}"),
    ] {
        let answer: Value = serde_json::from_str(&call(verb, request)).unwrap();
        assert_eq!(answer["failure"]["step"], "read request", "{verb} {request}");
    }
    assert_eq!(
        ask("explode", &json!({})),
        json!({"failure": {"step": "find verb", "object": "explode", "errno": 38, "detail": null}})
    );
}
