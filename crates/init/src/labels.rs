//! The labels of Linux security modules that the program gets: set now, they take effect at the next execve(2).

use crate::{failing::Failing, procfs::PrivateProc};
use alloc::format;
use rustix::io::Errno;
use wire::{Failure, plan::Step};

/// Our own directory of attributes (proc_pid_attr(5)).
const ATTRIBUTES: &str = "thread-self/attr";

/// Fails with `EOPNOTSUPP` where SELinux is not enabled: then there is no such file system.
pub fn require_selinux(proc: &mut PrivateProc, field: &str) -> Result<(), Failure> {
    const FILE_SYSTEM: &[u8] = b"\tselinuxfs\n";
    let mut page = [0; 4096];
    let known = proc.read("filesystems", &mut page).failing("read", "/proc/filesystems")?;
    if known.windows(FILE_SYSTEM.len()).any(|window| window == FILE_SYSTEM) {
        Ok(())
    } else {
        Err(Errno::OPNOTSUPP).failing("apply", field)
    }
}

/// Whether a step writes a label of ours.
pub fn writes_one(step: &Step) -> bool {
    matches!(
        step,
        Step::SelinuxLabel { .. } | Step::ApparmorProfile { .. } | Step::SessionKeyring { label: Some(_), .. }
    )
}

/// Sets the SELinux label of the program.
pub fn set_selinux(proc: &mut PrivateProc, label: &str) -> Result<(), Failure> {
    proc.write(&format!("{ATTRIBUTES}/exec"), label).failing("apply process.selinuxLabel", label)
}

/// Sets the SELinux label of keys that we make, until it is set again; an empty one is the default.
pub fn set_key_label(proc: &mut PrivateProc, label: &str) -> Result<(), Failure> {
    proc.write(&format!("{ATTRIBUTES}/keycreate"), label).failing("apply process.selinuxLabel", label)
}

/// Sets the AppArmor profile of the program. Fails with `EOPNOTSUPP` where AppArmor is not enabled, `ENOENT` for a profile that is not
/// loaded.
pub fn set_apparmor(proc: &mut PrivateProc, profile: &str) -> Result<(), Failure> {
    const STEP: &str = "apply";
    const FIELD: &str = "process.apparmorProfile";
    // Only a kernel with AppArmor has the directory (Linux 5.8), and only an enabled one takes what is written there.
    match proc.read(&format!("{ATTRIBUTES}/apparmor/current"), &mut [0; 4096]) {
        Ok(_) => {}
        Err(Errno::NOENT | Errno::INVAL) => return Err(Errno::OPNOTSUPP).failing(STEP, FIELD),
        Err(errno) => return Err(errno).failing(STEP, FIELD),
    }
    proc.write(&format!("{ATTRIBUTES}/apparmor/exec"), &format!("exec {profile}"))
        .failing("apply process.apparmorProfile", profile)
}
