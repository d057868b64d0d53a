//! The steps of init.

use super::{
    Credentials, Device, ExactU64, InitHooks, MappedIds, Mount, Overlay, Program, Propagation, Scheduler, Terminal,
};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One thing that init does. The variants stand in the order in which a usual plan has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Step {
    /// Sets the loopback interface of a new network namespace up.
    LoopbackUp,
    /// Changes the propagation of every mount in the new mount namespace (mount_namespaces(7)).
    HostPropagation {
        to: Propagation,
    },
    /// Attaches the directory at `path`, with what is mounted below it, where the container's root will be: over `/`, or, with
    /// `in_place`, at `path` itself, where hooks look for it.
    Rootfs {
        path: String,
        #[serde(default)]
        #[cfg_attr(feature = "typescript", ts(optional, as = "Option<bool>"))]
        in_place: bool,
        /// Shows its files, and those of what is mounted below it, with other owners than they have.
        #[cfg_attr(feature = "typescript", ts(optional))]
        id_map: Option<MappedIds>,
    },
    /// Lays a file system over the root that takes what is changed in it, so that the root stays as it is: overlayfs. What is mounted below
    /// the root is not seen any more.
    Overlay(Overlay),
    /// Mounts something at a place inside the root, or over the root.
    Mount(Mount),
    /// Makes a device node, unless the same one is there already.
    Device(Device),
    /// Binds the host's node at a path, which has to be this device, and have this mode if one is wanted, at the same path inside the
    /// root: mknod(2) is not allowed in a user namespace.
    HostDevice {
        path: String,
        /// `b`, or `c` or `u` for a character device.
        kind: String,
        major: u32,
        minor: u32,
        #[cfg_attr(feature = "typescript", ts(optional))]
        mode: Option<u32>,
    },
    /// Makes a symbolic link, unless something is there already; with `replace`, whatever non-directory is there goes first.
    Link {
        target: String,
        path: String,
        #[serde(default)]
        #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
        replace: bool,
    },
    /// Makes a directory inside the root, with those above it, if it is missing: mode 0755.
    Directory {
        path: String,
    },
    /// Waits while the engine runs the hooks prestart and createRuntime.
    HostHooks,

    /// The hooks createContainer: programs of the host, in the container's namespaces, in the container's root directory.
    CreateContainerHooks(InitHooks),
    /// Makes the root the root of the mount namespace: pivot_root(2), and lets go of the host's mounts.
    PivotRoot,
    /// The same without pivot_root(2), for a root on a ramdisk: moves the root over `/` and chroots.
    MoveRoot,
    /// Makes a terminal the standard streams. With `slave`, that pty slave is it; without, a new pty of the container's devpts is.
    Terminal(Terminal),
    /// A new session, whose controlling terminal is the one of [`Step::Terminal`], if there was one.
    NewSession,
    /// Joins a new session keyring of this name (keyrings(7)), which gets the SELinux label if there is one.
    SessionKeyring {
        name: String,
        #[cfg_attr(feature = "typescript", ts(optional))]
        label: Option<String>,
    },
    /// The propagation of the container's root mount.
    RootPropagation {
        to: Propagation,
        recursive: bool,
    },
    /// Makes the root mount read-only; the mounts below it stay as they are.
    ReadonlyRoot,
    /// Makes the mounts read-only that have `Special::ReadonlyLast`.
    ReadonlyMounts,
    Hostname {
        name: String,
    },
    Domainname {
        name: String,
    },
    /// Writes `value` to the file `path` below /proc/sys, through a private procfs.
    Sysctl {
        path: String,
        value: String,
    },
    /// Makes a path and all that is mounted below it read-only; a path that does not exist is passed over.
    ReadonlyPath {
        path: String,
    },
    /// Hides a path: a file under /dev/null, a directory under an empty read-only tmpfs, which has the SELinux label of the first of
    /// them. One that does not exist is passed over.
    MaskedPath {
        path: String,
        #[cfg_attr(feature = "typescript", ts(optional))]
        label: Option<String>,
    },
    /// Fails where SELinux is not enabled. `field` is the property that needs it.
    RequireSelinux {
        field: String,
    },
    /// The SELinux label that the program gets.
    SelinuxLabel {
        label: String,
    },
    /// The AppArmor profile that the program gets.
    ApparmorProfile {
        profile: String,
    },
    Umask {
        mask: u32,
    },
    Scheduler(Scheduler),
    /// ioprio_set(2) of the process group: the class and the priority in it.
    IoPriority {
        class: u8,
        priority: u8,
    },
    /// The execution domain: personality(2).
    Personality {
        domain: u32,
    },
    /// set_mempolicy(2): the mode, with its flags, and the numbers of the nodes.
    MemoryPolicy {
        mode: u32,
        nodes: Vec<u32>,
    },
    /// The processors to run on: sched_setaffinity(2).
    CpuAffinity {
        cpus: Vec<u32>,
    },
    /// setrlimit(2): the number of the resource; limits as decimal strings, `unlimited` is 18446744073709551615.
    Rlimit {
        resource: u32,
        soft: ExactU64,
        hard: ExactU64,
    },
    /// Groups, user, group and capabilities.
    Credentials(Credentials),
    /// Goes to the directory, which is made if it is missing, and checks that it is inside the root.
    WorkingDirectory {
        path: String,
    },
    /// Looks the program up in the environment's PATH, so that a missing one is reported before `start`.
    FindProgram,
    /// Waits until the engine has written the record.
    Commit,
    /// Goes on as a child, in the PID namespace that was entered, if one was: a process enters it only so. Late, since who can see
    /// us there may also be able to trace us.
    Fork,
    /// Waits for `start`.
    Gate,
    NoNewPrivileges,
    /// The hooks startContainer: programs of the container, run as its own program will be, also under the filter.
    StartContainerHooks(InitHooks),
    /// Becomes the program, under the filter if there is one. The last step of a process of the container.
    Exec(Program),
    /// Takes away what is mounted at a path inside the root, with all below it: MNT_DETACH of umount2(2).
    Unmount {
        path: String,
    },
    /// Says that everything is done, and ends. The last step of a plan that only changes a container.
    Done,
}
