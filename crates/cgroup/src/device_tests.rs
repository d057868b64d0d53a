#![allow(clippy::unwrap_used)]

use super::*;

fn rule(allow: bool, kind: &str, major: Option<u32>, minor: Option<u32>, access: &str) -> DeviceRule {
    DeviceRule { allow, kind: kind.into(), major, minor, access: access.into() }
}

fn lines(list: &[DeviceRule]) -> Result<Vec<String>, i32> {
    let list = List::new(&rules(list).map_err(|failure| failure.errno)?).map_err(Errno::raw_os_error)?;
    Ok(list.writes().into_iter().map(|(file, line)| format!("{file} {line}")).collect())
}

#[test]
fn the_usual_list_is_a_default_of_deny_and_exceptions() {
    let list = [
        rule(false, "a", None, None, "rwm"),
        rule(true, "c", None, None, "m"),
        rule(true, "c", Some(1), Some(3), "rw"),
        rule(true, "c", Some(1), Some(3), "m"),
        rule(true, "b", Some(8), None, "r"),
    ];
    let expected = ["devices.deny a", "devices.allow b 8:* r", "devices.allow c *:* m", "devices.allow c 1:3 rwm"]
        .map(String::from);
    assert_eq!(lines(&list), Ok(expected.to_vec()));
}

#[test]
fn what_comes_before_a_total_rule_is_forgotten() {
    let list = [
        rule(true, "c", Some(1), Some(3), "rw"),
        rule(true, "a", None, None, "rwm"),
        rule(false, "b", Some(8), Some(0), "rwm"),
    ];
    assert_eq!(lines(&list), Ok(vec!["devices.allow a".into(), "devices.deny b 8:0 rwm".into()]));
}

#[test]
fn a_rule_takes_back_exceptions_that_it_covers() {
    let list = [
        rule(true, "c", Some(1), Some(3), "rwm"),
        rule(true, "c", Some(1), Some(5), "r"),
        rule(false, "c", Some(1), None, "rm"),
    ];
    assert_eq!(lines(&list), Ok(vec!["devices.deny a".into(), "devices.allow c 1:3 w".into()]));
}

#[test]
fn a_hole_in_an_exception_is_an_error() {
    let list = [rule(true, "c", Some(1), None, "rwm"), rule(false, "c", Some(1), Some(3), "w")];
    assert_eq!(lines(&list), Err(Errno::INVAL.raw_os_error()));
}

#[test]
fn a_partial_rule_for_all_kinds_is_one_for_each() {
    let list = [rule(true, "a", None, None, "m")];
    let expected = ["devices.deny a", "devices.allow b *:* m", "devices.allow c *:* m"].map(String::from);
    assert_eq!(lines(&list), Ok(expected.to_vec()));
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    for bad in [
        rule(true, "u", None, None, "rwm"),
        rule(true, "", None, None, "rwm"),
        rule(true, "c", None, None, ""),
        rule(true, "c", None, None, "rx"),
    ] {
        assert_eq!(rules(&[bad]).map_err(|failure| failure.step), Err("use device rule".into()));
    }
}

#[test]
fn one_list_becomes_another_by_what_differs_and_allows_first() {
    let rule = |allow, kind, major, minor, access| Rule { allow, kind, major, minor, access };
    let list = |rules: &[Rule]| List::new(rules).unwrap();
    let total = |allow| rule(allow, None, None, None, Access::ALL);
    let null = |allow, access| rule(allow, Some(Kind::Char), Some(1), Some(3), access);
    let disks = |allow| rule(allow, Some(Kind::Block), Some(8), None, Access::ALL);

    let (before, after) =
        (list(&[total(false), null(true, Access::ALL)]), list(&[total(false), null(true, Access::READ), disks(true)]));
    let allow = |line: &str| ("devices.allow", line.to_owned());
    let deny = |line: &str| ("devices.deny", line.to_owned());
    assert_eq!(after.writes_from(&before), [allow("b 8:* rwm"), deny("c 1:3 wm")]);
    assert_eq!(before.writes_from(&after), [allow("c 1:3 wm"), deny("b 8:* rwm")]);
    assert_eq!(before.writes_from(&before), []);

    let open = list(&[total(true), disks(false)]);
    let more_open = list(&[total(true), null(false, Access::WRITE)]);
    assert_eq!(more_open.writes_from(&open), [allow("b 8:* rwm"), deny("c 1:3 w")]);
    assert_eq!(open.writes_from(&before), [allow("a"), deny("b 8:* rwm")]);
}
