//! keyrings(7): the one operation that a runtime needs.

use crate::checked;
use core::ffi::CStr;
use rustix::io;
use syscalls::{Sysno, syscall};

const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;
const KEYCTL_SETPERM: usize = 5;
/// All for the possessor; view, read, search for the owning user: what runc gives.
const PERMISSIONS: u32 = 0x3f0b_0000;

/// Makes a new session keyring of this name the process's own: keyctl_join_session_keyring(3).
///
/// Fails with `EDQUOT` when the user has too many keys, `ENOSYS` on a kernel without keyrings.
pub fn join_session(name: &CStr) -> io::Result<()> {
    // SAFETY: the second argument is a NUL-terminated string that outlives the call; nothing is written.
    let keyring = checked(unsafe { syscall!(Sysno::keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) })?;
    // SAFETY: KEYCTL_SETPERM takes numbers only.
    checked(unsafe { syscall!(Sysno::keyctl, KEYCTL_SETPERM, keyring, PERMISSIONS) }).map(drop)
}
