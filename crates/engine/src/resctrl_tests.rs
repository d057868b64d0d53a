//! On a plain directory tree: what the kernel makes with a directory, its files, is made here by hand.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::TestRoot;

fn files(directory: &str, schemata: &str) {
    fs::write(format!("{directory}/schemata"), schemata).unwrap();
    fs::write(format!("{directory}/tasks"), "").unwrap();
}

fn plan(group: &str, create: ResctrlCreate, schemata: &[&str]) -> ResctrlPlan {
    let schemata = schemata.iter().map(|line| (*line).to_owned()).collect();
    ResctrlPlan { group: group.to_owned(), create, schemata, monitoring: None }
}

#[test]
fn a_group_of_its_own_is_made_joined_and_removed() {
    let root = TestRoot::new();
    let plan =
        ResctrlPlan { monitoring: Some(root.path("monitor")), ..plan(&root.path("own"), ResctrlCreate::Own, &[]) };
    let owned = owned(&plan).unwrap();
    assert_eq!(owned, [root.path("monitor"), root.path("own")]);
    make(&plan).unwrap();
    for directory in &owned {
        files(directory, "");
    }
    join(&plan, 42).unwrap();
    for directory in &owned {
        assert_eq!(fs::read_to_string(format!("{directory}/tasks")).unwrap(), "42\n");
        for file in ["tasks", "schemata"] {
            fs::remove_file(format!("{directory}/{file}")).unwrap();
        }
    }
    remove(&owned).unwrap();
    assert!(!Path::new(&plan.group).exists());
    remove(&owned).unwrap();
}

#[test]
fn a_group_of_its_own_must_not_be_there() {
    let root = TestRoot::new();
    fs::create_dir(root.path("own")).unwrap();
    let failure = owned(&plan(&root.path("own"), ResctrlCreate::Own, &[])).unwrap_err();
    assert_eq!((failure.errno, failure.object), (Errno::EXIST.raw_os_error(), root.path("own")));
}

#[test]
fn a_named_group_belongs_to_nobody() {
    let root = TestRoot::new();
    let named = plan(&root.path("named"), ResctrlCreate::IfMissing, &[]);
    assert!(owned(&named).unwrap().is_empty());
    make(&named).unwrap();
    assert!(Path::new(&named.group).exists());
    let missing = make(&plan(&root.path("missing"), ResctrlCreate::Never, &[])).unwrap_err();
    assert_eq!(missing.errno, Errno::NOENT.raw_os_error());
}

#[test]
fn a_group_that_is_there_must_have_the_wanted_shares() {
    let root = TestRoot::new();
    let group = root.path("there");
    fs::create_dir(&group).unwrap();
    files(&group, "    MB:0= 50;1=100\n    L3:0=0ff;1=00f\n");
    for (wanted, fits) in [
        (&[][..], true),
        (&["L3:0=ff;1=f", "MB:0=50"], true),
        (&["L3:1=F"], true),
        (&["L3:0=fe"], false),
        (&["MB:0=050;1=99"], false),
        (&["L2:0=ff"], false),
        (&["L3:2=ff"], false),
    ] {
        let result = make(&plan(&group, ResctrlCreate::IfMissing, wanted));
        assert_eq!(result.is_ok(), fits, "{wanted:?}");
        assert_eq!(
            fs::read_to_string(format!("{group}/schemata")).unwrap(),
            "    MB:0= 50;1=100\n    L3:0=0ff;1=00f\n"
        );
    }
}

#[test]
fn shares_of_a_group_that_is_there_change_and_can_be_given_back() {
    let root = TestRoot::new();
    let group = root.path("group");
    let new = |lines: &[&str]| ResctrlUpdate {
        group: group.clone(),
        schemata: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let missing = update(&new(&["L3:0=f"])).unwrap_err();
    assert_eq!((missing.errno, missing.object), (Errno::NOENT.raw_os_error(), format!("{group}/schemata")));
    fs::create_dir(&group).unwrap();
    files(&group, "L3:0=ff\n");
    let before = update(&new(&["L3:0=0f"])).unwrap();
    assert_eq!(before, new(&["L3:0=ff"]));
    assert_eq!(fs::read_to_string(format!("{group}/schemata")).unwrap(), "L3:0=0f\n");
    update(&before).unwrap();
    assert_eq!(fs::read_to_string(format!("{group}/schemata")).unwrap(), "L3:0=ff\n");
}
