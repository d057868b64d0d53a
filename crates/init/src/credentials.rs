//! Who the program runs as: groups, user, group, and exactly the capabilities of the plan (capabilities(7)).

use crate::failing::Failing;
use rustix::{
    fs::{fchown, fstatfs},
    io::Errno,
    process::{Gid, Uid},
    thread::{
        CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_keep_capabilities, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid,
    },
};
use sys::credentials::{clear_ambient, drop_from_bounding_set, in_bounding_set, raise_ambient};
use wire::{Failure, plan::Credentials};

/// The kernel numbers capabilities from 0 to at most this.
const LAST: u8 = 63;

fn may_set_groups() -> Result<bool, Failure> {
    let own = capabilities(None).failing("look at", "capabilities")?;
    Ok(own.effective.contains(CapabilitySet::SETGID))
}

/// statfs(2).
const PIPEFS_MAGIC: u64 = 0x5049_5045;

/// Gives pipes among the standard streams to the user, who could not open /dev/stdout otherwise. Only pipes without a name: a file
/// or a fifo is the caller's, and stays as they made it.
fn give_pipes_to(uid: u32) -> Result<(), Failure> {
    for stream in sys::process::standard_streams() {
        if fstatfs(stream).failing("look at", "a standard stream")?.f_type as u64 != PIPEFS_MAGIC {
            continue;
        }
        match fchown(stream, Some(Uid::from_raw(uid)), None::<Gid>) {
            // The root of a user namespace has no say over the pipes of the host.
            Ok(()) | Err(Errno::PERM) => {}
            Err(errno) => return Err(errno).failing("change the owner of", "a standard stream"),
        }
    }
    Ok(())
}

pub fn assume(credentials: &Credentials) -> Result<(), Failure> {
    let Credentials { uid, gid, groups, capabilities: sets, keep_admin } = credentials;
    if let Some(sets) = sets {
        // While CAP_SETPCAP is still there.
        for number in 0..=LAST {
            match in_bounding_set(number) {
                None => break,
                Some(true) if !sets.bounding.contains(&number) => {
                    drop_from_bounding_set(number).failing("drop capability", number)?;
                }
                Some(_) => {}
            }
        }
        set_keep_capabilities(true).failing("keep capabilities", "")?;
    }
    give_pipes_to(*uid)?;
    if let Some(groups) = groups {
        let groups: alloc::vec::Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        match set_thread_groups(&groups) {
            // With CAP_SETGID only a user namespace that denies it refuses: nobody can drop the groups there (user_namespaces(7)).
            Err(Errno::PERM) if groups.is_empty() && may_set_groups()? => {}
            result => result.failing("set supplementary groups", "")?,
        }
    }
    let group = Some(Gid::from_raw(*gid));
    set_thread_res_gid(group, group, group).failing("become group", gid)?;
    let user = Some(Uid::from_raw(*uid));
    set_thread_res_uid(user, user, user).failing("become user", uid)?;
    let Some(sets) = sets else { return Ok(()) };
    set_keep_capabilities(false).failing("keep capabilities", "")?;
    clear_ambient().failing("clear ambient capabilities", "")?;
    let set = |numbers: &[u8]| {
        let bits = numbers.iter().filter(|number| **number <= LAST).fold(0, |bits, number| bits | 1u64 << number);
        CapabilitySet::from_bits_retain(bits)
    };
    let kept = if *keep_admin { CapabilitySet::SYS_ADMIN } else { CapabilitySet::empty() };
    let exact = CapabilitySets {
        effective: set(&sets.effective) | kept,
        permitted: set(&sets.permitted) | kept,
        inheritable: set(&sets.inheritable),
    };
    set_capabilities(None, exact).failing("set capabilities", "")?;
    for number in &sets.ambient {
        match raise_ambient(*number) {
            Ok(()) => {}
            // Not permitted or not inheritable: not granted, as the runtime-spec wants it.
            Err(Errno::PERM) => {}
            Err(errno) => return Err(errno).failing("raise ambient capability", number),
        }
    }
    Ok(())
}
