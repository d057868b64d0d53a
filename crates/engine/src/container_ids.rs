//! The ids of a container as files on this machine have them, and this thread as the container's root.

use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::{
    fd::BorrowedFd,
    fs::{AtFlags, chownat, fstat},
    io::{self, Errno},
    process::{DumpableBehavior, dumpable_behavior, geteuid, set_dumpable_behavior},
};

/// What an id is that a container does not have (user_namespaces(7)).
const OVERFLOW: u32 = 65_534;

/// user_namespaces(7): ranges of ids, inside and outside.
pub struct Ids {
    uids: Vec<Range>,
    gids: Vec<Range>,
}

struct Range {
    inside: u32,
    outside: u32,
    size: u32,
}

impl Ids {
    /// Those of a process, by its directory in /proc.
    pub fn of(process: &str) -> Self {
        let read = |map: &str| std::fs::read_to_string(format!("{process}/{map}")).unwrap_or_default();
        Self { uids: ranges(&read("uid_map")), gids: ranges(&read("gid_map")) }
    }

    pub fn inside(&self, uid: u32, gid: u32) -> (u32, u32) {
        let of = |ranges: &[Range], id: u32| {
            let found = ranges.iter().find(|range| id >= range.outside && id - range.outside < range.size);
            found.map_or(OVERFLOW, |range| range.inside + (id - range.outside))
        };
        (of(&self.uids, uid), of(&self.gids, gid))
    }

    /// Nothing for one that the container does not have.
    fn outside(&self, uid: u32, gid: u32) -> Option<(u32, u32)> {
        let of = |ranges: &[Range], id: u32| {
            let found = ranges.iter().find(|range| id >= range.inside && id - range.inside < range.size);
            found.map(|range| range.outside + (id - range.inside))
        };
        of(&self.uids, uid).zip(of(&self.gids, gid))
    }
}

fn ranges(map: &str) -> Vec<Range> {
    let line = |line: &str| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Range { inside: next()?, outside: next()?, size: next()? })
    };
    map.lines().filter_map(line).collect()
}

/// This thread as the container's root, as far as files go (setfsuid(2)), until it is dropped.
pub struct Identity {
    pub ids: Ids,
    root: (Uid, Gid),
    before: (Uid, Gid),
    dumpable: Option<DumpableBehavior>,
}

impl Identity {
    pub fn assume(ids: Ids) -> Self {
        let (uid, gid) = ids.outside(0, 0).unwrap_or((0, 0));
        let root = (Uid::from_raw(uid), Gid::from_raw(gid));
        // A change of ids makes the process one that can't be traced or dumped: that is put back.
        let dumpable = dumpable_behavior().ok();
        let gid = setfsgid(root.1);
        let uid = setfsuid(root.0);
        let identity = Self { ids, root, before: (uid, gid), dumpable };
        identity.restore_dumpable();
        identity
    }

    /// Gives what the container's root owns to ids of the container, as that may by its capabilities there. Ids that the container does
    /// not have change nothing.
    pub fn give(&self, made: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
        let Some((uid, gid)) = self.ids.outside(uid, gid) else { return Ok(()) };
        let found = fstat(made)?;
        if (found.st_uid, found.st_gid) == (uid, gid) {
            return Ok(());
        }
        // Whoever has put something else there: what is not the container's is not given away.
        if found.st_uid != self.root.0.as_raw() {
            return Err(Errno::PERM);
        }
        setfsuid(self.before.0);
        let owner = rustix::fs::Uid::from_raw(uid);
        let group = rustix::fs::Gid::from_raw(gid);
        let given = chownat(made, c"", Some(owner), Some(group), AtFlags::EMPTY_PATH);
        setfsuid(self.root.0);
        self.restore_dumpable();
        match given {
            // Who is not root here can't: it stays the container's root's.
            Err(Errno::PERM) if !geteuid().is_root() => Ok(()),
            result => result,
        }
    }

    fn restore_dumpable(&self) {
        if let Some(dumpable) = self.dumpable {
            let _ = set_dumpable_behavior(dumpable);
        }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        setfsuid(self.before.0);
        setfsgid(self.before.1);
        self.restore_dumpable();
    }
}
