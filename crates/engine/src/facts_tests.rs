#![allow(clippy::unwrap_used)]

use super::*;

const OWN: &str = "\
13:name=systemd:/user.slice
4:cpu,cpuacct:/a/b
3:memory:/a/b
1:cpuset:/
0::/a b/c
";

fn hierarchy(line: &str) -> Option<CgroupHierarchy> {
    CgroupMount::parse(line).and_then(|mount| mount.hierarchy(OWN)).map(|(_, hierarchy)| hierarchy)
}

fn of(mount: &str, version: u8, controllers: &[&str], own: &str) -> Option<CgroupHierarchy> {
    let controllers = controllers.iter().map(|one| (*one).to_owned()).collect();
    Some(CgroupHierarchy { mount: mount.into(), version, controllers, own: own.into(), options: Vec::new() })
}

#[test]
fn options_of_the_whole_v2_hierarchy_are_known() {
    for (line, expected) in [
        (
            "33 31 0:30 / /m rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
            "nsdelegate memory_recursiveprot",
        ),
        ("33 31 0:30 / /m rw,nosuid - cgroup2 cgroup2 ro,seclabel", ""),
        ("33 31 0:30 / /m rw,nosuid - cgroup2 cgroup2 rw,context=a:b,favordynmods", "favordynmods"),
        ("33 31 0:30 / /m rw,nosuid - cgroup none rw,memory", ""),
    ] {
        assert_eq!(hierarchy(line).unwrap().options.join(" "), expected, "{line}");
    }
}

#[test]
fn mounts_and_our_place_in_them_are_put_together() {
    for (line, expected) in [
        (
            "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct",
            of("/sys/fs/cgroup/cpu", 1, &["cpu", "cpuacct"], "/a/b"),
        ),
        ("33 31 0:30 /a /mnt rw shared:1 master:2 - cgroup none rw,memory", of("/mnt", 1, &["memory"], "/b")),
        ("33 31 0:30 /a/b /mnt rw - cgroup none rw,memory", of("/mnt", 1, &["memory"], "/")),
        ("33 31 0:30 /a/bc /mnt rw - cgroup none rw,memory", None),
        ("33 31 0:30 /other /mnt rw - cgroup none rw,memory", None),
        ("33 31 0:30 / /s rw - cgroup cgroup rw,xattr,name=systemd", of("/s", 1, &["name=systemd"], "/user.slice")),
        ("33 31 0:30 / /m\\040x rw - cgroup2 cgroup2 rw", of("/m x", 2, &[], "/a b/c")),
        ("33 31 0:30 /a\\040b /m rw - cgroup2 cgroup2 rw", of("/m", 2, &[], "/c")),
        ("33 31 0:30 / /m rw - cgroup cgroup rw,blkio", None),
        ("33 31 0:30 / /m rw - tmpfs tmpfs rw,memory", None),
        ("33 31 0:30 / /m rw", None),
        ("", None),
    ] {
        assert_eq!(hierarchy(line), expected, "{line}");
    }
}

#[test]
fn the_first_user_namespace_is_known_by_its_map() {
    assert!(maps_all("         0          0 4294967295\n"));
    assert!(!maps_all("         0       1000          1\n"));
    assert!(!maps_all("0 0 1\n1 1 4294967294\n"));
    assert!(!maps_all(""));
}

#[test]
fn this_machine_has_facts() {
    let facts = facts(true).unwrap();
    assert!(facts.kernel.starts_with(|letter: char| letter.is_ascii_digit()));
    assert_eq!(facts.euid, rustix::process::geteuid().as_raw());
    for hierarchy in &facts.cgroups {
        assert!(Path::new(&format!("{}{}", hierarchy.mount, hierarchy.own)).is_dir(), "{hierarchy:?}");
    }
}

#[test]
fn resctrl_is_found_by_its_type() {
    assert_eq!(
        resctrl("40 27 0:41 / /sys/fs/resctrl\\040here rw,relatime shared:9 - resctrl resctrl rw").as_deref(),
        Some("/sys/fs/resctrl here")
    );
    assert_eq!(resctrl("40 27 0:41 / /sys/fs/resctrl rw,relatime - tmpfs resctrl rw"), None);
}
