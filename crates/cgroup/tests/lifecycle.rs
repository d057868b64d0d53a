//! A cgroup against the real kernel: made, used, frozen, killed, removed. In the layout of this machine and in one of v2 alone.
#![allow(clippy::unwrap_used)]

mod common;

use cgroup::CgroupRef;
use common::{Layout, Shell, add_write, exists, in_each_layout, in_v2_view, make, remove_parents};
use rustix::{
    io::Errno,
    mount::{MountFlags, mount_remount},
};
use std::{fs, path::Path, time::Instant};
use wire::plan::DeviceRule;

const SIGKILL: i32 = 9;
const SIGUSR1: i32 = 10;

#[test]
fn is_made_joined_listed_killed_and_removed() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        cgroup::check_unused(&plan).unwrap();
        let cgroup = make(&plan).unwrap();
        cgroup::check_unused(&plan).unwrap();
        assert!(cgroup.refs().iter().all(|reference| reference.inode.is_some()));
        assert_eq!(cgroup.refs().iter().filter(|reference| reference.freezer).count(), 1);

        let mut shell = Shell::new(&cgroup, "sleep 1000");
        assert_eq!(cgroup::pids(cgroup.refs()).unwrap(), [shell.pid()]);
        assert_eq!(cgroup::check_unused(&plan).unwrap_err().errno, Errno::BUSY.raw_os_error());

        cgroup::kill(cgroup.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
        assert!(!exists(&plan));
        assert!(!shell.0.wait().unwrap().success());
        assert!(cgroup::pids(cgroup.refs()).unwrap().is_empty());
        cgroup::kill(cgroup.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn a_clone_may_start_in_the_v2_directory() {
    in_v2_view(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        assert!(cgroup.v2_directory().is_some());
        // With nothing but v2, there is nothing left to join after such a clone.
        cgroup.join(-1, true).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn values_are_written() {
    in_each_layout(|layout| {
        let mut plan = layout.plan("");
        let file = "cgroup.max.depth";
        if !layout.is_v2_only() && plan.hierarchies.iter().all(|hierarchy| hierarchy.version == 1) {
            return;
        }
        add_write(&mut plan, file, "7");
        let cgroup = make(&plan).unwrap();
        let directory = &cgroup.refs().last().unwrap().path;
        assert_eq!(fs::read_to_string(Path::new(directory).join(file)).unwrap(), "7\n");
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn nothing_is_left_of_a_failed_creation() {
    in_each_layout(|layout| {
        for (file, value) in [("no.such.file", "1"), ("cgroup.procs", "not a pid"), ("../escape", "1"), ("..", "1")] {
            let mut plan = layout.plan("/deeper/box");
            add_write(&mut plan, file, value);
            let failure = make(&plan).unwrap_err();
            assert_eq!(failure.step, "write");
            assert!(failure.object.ends_with(file), "{failure:?}");
            assert!(!exists(&plan));
            let top = Path::new(&cgroup::planned(&plan)[0].path).ancestors().nth(2).unwrap().to_owned();
            assert!(!top.exists(), "{top:?}");
        }
    });
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    in_each_layout(|layout| {
        for path in ["", "/", ".", "..", "a/../b", "a//b", "/a", "a/"] {
            let mut plan = layout.plan("");
            for hierarchy in &mut plan.hierarchies {
                hierarchy.path = path.to_owned();
            }
            assert_eq!(make(&plan).unwrap_err().errno, Errno::INVAL.raw_os_error(), "{path}");
        }
    });
}

#[test]
fn a_directory_that_is_no_cgroup_is_refused() {
    in_each_layout(|layout| {
        let mut plan = layout.plan("");
        plan.hierarchies.truncate(1);
        plan.hierarchies[0].mount = "/tmp".into();
        assert_eq!(make(&plan).unwrap_err().errno, Errno::NODEV.raw_os_error());
        assert!(!exists(&plan));
    });
}

#[test]
fn directories_above_stay() {
    in_each_layout(|layout| {
        let plan = layout.plan("/box");
        let cgroup = make(&plan).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
        assert!(!exists(&plan));
        assert!(Path::new(&cgroup.refs()[0].path).parent().unwrap().exists());
        remove_parents(&plan);
    });
}

#[test]
fn stands_still_while_frozen() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        let mut shell = Shell::new(&cgroup, "echo going; sleep 1000");
        assert!(!cgroup::is_frozen(cgroup.refs()).unwrap());
        cgroup::freeze(cgroup.refs()).unwrap();
        assert!(cgroup::is_frozen(cgroup.refs()).unwrap());
        cgroup::thaw(cgroup.refs()).unwrap();
        assert!(!cgroup::is_frozen(cgroup.refs()).unwrap());
        assert_eq!(shell.answer(), "going");

        // A frozen one can be killed too.
        cgroup::freeze(cgroup.refs()).unwrap();
        cgroup::kill(cgroup.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
        assert!(!exists(&plan));
    });
}

#[test]
fn an_empty_one_that_is_frozen_is_not_unused() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        cgroup::freeze(cgroup.refs()).unwrap();
        assert_eq!(cgroup::check_unused(&plan).unwrap_err().errno, Errno::BUSY.raw_os_error());
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn a_signal_reaches_every_process() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        let mut shells: Vec<Shell> = (0..3).map(|_| Shell::new(&cgroup, "sleep 1000")).collect();
        cgroup::kill(cgroup.refs(), SIGUSR1).unwrap();
        for shell in &mut shells {
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(shell.0.wait().unwrap().signal(), Some(SIGUSR1));
        }
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn processes_that_keep_forking_in_cgroups_below_are_killed() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        let below = |reference: &CgroupRef| format!("{}/a/b", reference.path);
        for reference in cgroup.refs() {
            fs::create_dir_all(below(reference)).unwrap();
        }
        let shells: Vec<Shell> =
            (0..4).map(|_| Shell::new(&cgroup, "while :; do (sleep 0.001; sleep 100) & sleep 0.002; done")).collect();
        for reference in cgroup.refs().iter().filter(|reference| !reference.path.contains("/cpuset/")) {
            fs::write(format!("{}/cgroup.procs", below(reference)), shells[0].pid().to_string()).unwrap();
        }
        for mut shell in shells {
            shell.go();
            std::mem::forget(shell);
        }
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert!(cgroup::pids(cgroup.refs()).unwrap().len() > 4);
        cgroup::kill(cgroup.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
        assert!(!exists(&plan));
    });
}

#[test]
fn another_directory_of_the_same_name_is_left_alone() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let old = make(&plan).unwrap();
        cgroup::remove(old.refs()).unwrap();
        let new = make(&plan).unwrap();
        let mut shell = Shell::new(&new, "echo alive; sleep 1000");
        cgroup::kill(old.refs(), SIGKILL).unwrap();
        cgroup::remove(old.refs()).unwrap();
        assert_eq!(shell.answer(), "alive");
        drop(shell);
        cgroup::kill(new.refs(), SIGKILL).unwrap();
        cgroup::remove(new.refs()).unwrap();
    });
}

#[test]
fn a_planned_one_is_removed_when_empty_and_never_killed() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        cgroup::remove(&cgroup::planned(&plan)).unwrap();
        assert!(!exists(&plan));

        let cgroup_of_others = make(&plan).unwrap();
        let mut shell = Shell::new(&cgroup_of_others, "echo alive; sleep 1000");
        cgroup::kill(&cgroup::planned(&plan), SIGKILL).unwrap();
        cgroup::remove(&cgroup::planned(&plan)[..1]).unwrap();
        assert_eq!(shell.answer(), "alive");
        drop((shell, cgroup));
        cgroup::kill(cgroup_of_others.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup_of_others.refs()).unwrap();
    });
}

#[test]
fn removal_gives_up_while_a_process_stays() {
    in_v2_view(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        let shell = Shell::new(&cgroup, "sleep 1000");
        let begin = Instant::now();
        assert_eq!(cgroup::remove(cgroup.refs()).unwrap_err().errno, Errno::BUSY.raw_os_error());
        assert!((9..12).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
        drop(shell);
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn a_deep_tree_below_is_removed() {
    in_each_layout(|layout| {
        let plan = layout.plan("");
        let cgroup = make(&plan).unwrap();
        for reference in &cgroup.refs()[..1] {
            fs::create_dir_all(format!("{}{}", reference.path, "/d".repeat(40))).unwrap();
            for number in 0..20 {
                fs::create_dir_all(format!("{}/w{number}/x", reference.path)).unwrap();
            }
        }
        cgroup::remove(cgroup.refs()).unwrap();
        assert!(!exists(&plan));
    });
}

#[test]
fn devices_are_denied_but_for_the_list() {
    in_each_layout(|layout| {
        let rule = |allow, kind: &str, major, minor, access: &str| DeviceRule {
            allow,
            kind: kind.into(),
            major,
            minor,
            access: access.into(),
        };
        let mut plan = layout.plan("");
        plan.devices = vec![
            rule(false, "a", None, None, "rwm"),
            rule(true, "c", Some(1), Some(3), "rw"),
            rule(true, "c", Some(1), Some(5), "r"),
        ];
        let cgroup = make(&plan).unwrap();
        let script = "
            try() { if (eval \"$1\") 2>/dev/null; then printf 'yes '; else printf 'no '; fi; }
            try ': </dev/null'; try ': >/dev/null'; try ': </dev/zero'; try ': >/dev/zero'; try ': </dev/full'; echo";
        // The shell itself writes its messages to /dev/null: that is allowed above.
        assert_eq!(Shell::new(&cgroup, script).answer(), "yes yes yes no no");
        cgroup::kill(cgroup.refs(), SIGKILL).unwrap();
        cgroup::remove(cgroup.refs()).unwrap();
    });
}

#[test]
fn device_rules_without_a_cgroup_are_an_error() {
    in_each_layout(|layout| {
        let mut plan = layout.plan("");
        plan.hierarchies.clear();
        plan.devices =
            vec![DeviceRule { allow: false, kind: "a".into(), major: None, minor: None, access: "rwm".into() }];
        assert_eq!(make(&plan).unwrap_err().errno, Errno::OPNOTSUPP.raw_os_error());
    });
}

#[test]
fn an_optional_one_may_be_absent_where_it_can_not_be_made() {
    fn test(layout: &Layout) {
        mount_remount("/sys/fs/cgroup", MountFlags::BIND | MountFlags::RDONLY, "").unwrap();
        let mut plan = layout.plan("");
        assert_eq!(make(&plan).unwrap_err().errno, Errno::ROFS.raw_os_error());
        plan.optional = true;
        let cgroup = make(&plan).unwrap();
        assert!(cgroup.refs().is_empty() && cgroup.v2_directory().is_none());
        cgroup.join(1, false).unwrap();
    }
    if rustix::process::geteuid().is_root() {
        in_v2_view(test);
    } else {
        eprintln!("skipped: only root can make a private view of cgroups");
    }
}
