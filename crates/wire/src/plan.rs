//! The launch plan: what the engine does on the host, and the steps that init runs in the new container, in order.
//!
//! Written by `src/plan/` (TypeScript), run by `crates/engine` and `crates/init`. Nothing here decides: a field says what
//! to do, never under which condition. Paths are absolute unless a field says otherwise.
//!
//! What is empty or false in nearly every step may be left out of the JSON: it would be half of the text.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Everything that a container needs to come into being.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct LaunchPlan {
    /// What the container's state record says.
    pub record: RecordSeed,
    /// Where the host pid of the container's init is written, before its program runs.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pid_file: Option<String>,
    /// The cgroup to create, fill and join.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub cgroup: Option<CgroupPlan>,
    /// The share of caches and memory bandwidth.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub resctrl: Option<ResctrlPlan>,
    /// Written to /proc/PID/oom_score_adj (proc(5)); -1000…1000.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub oom_score_adj: Option<i32>,
    /// Hard limits of resources that init may have to raise and can't, in a user namespace of its own: raised from outside.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub hard_limits: Vec<HardLimit>,
    pub descriptors: Descriptors,
    /// The unix socket that gets the pty master (runc's `--console-socket`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub console_socket: Option<String>,
    /// The unix socket that gets a pidfd of init (runc's `--pidfd-socket`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pidfd_socket: Option<String>,
    /// Make the directory `notify` in the container's state directory, where `start` will put the sd_notify(3) socket.
    pub notify_directory: bool,
    /// The `linux.seccomp` section of the config, as JSON, with the values of conditions as decimal strings. The engine makes
    /// [`InitPlan::filter`] of it.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub seccomp: Option<String>,
    pub init: InitPlan,
}

/// A control group of resctrl (the kernel's filesystems/resctrl documentation), and what the container does with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ResctrlPlan {
    /// Its directory: `/sys/fs/resctrl/NAME`, or the root of resctrl.
    pub group: String,
    pub create: ResctrlCreate,
    /// Lines of the file `schemata`: written to a new group, and what one that is there has to say already.
    pub schemata: Vec<String>,
    /// The directory of a monitoring group, made for the container.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub monitoring: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ResctrlCreate {
    /// It has to be there.
    Never,
    /// Made if it is missing, and left there.
    IfMissing,
    /// Made for the container, and removed with it.
    Own,
}

/// A hard limit of setrlimit(2): the number of the resource; `unlimited` is 18446744073709551615.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HardLimit {
    pub resource: u32,
    pub limit: ExactU64,
}

/// Another process in a container that is there: what the engine does on the host, and the steps that the helper runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ExecPlan {
    /// The directory of all containers' records.
    pub root: String,
    pub id: String,
    /// Go on although the container is paused: the process then waits, like all others there, to be resumed.
    pub ignore_paused: bool,
    /// Where below the container's cgroup, in those hierarchies that are named, and nowhere else. None: in the container's cgroup, or
    /// where init is if that one can't have processes (cgroups(7): no internal processes).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub cgroup: Option<Vec<SubCgroup>>,
    /// Where the host pid of the process is written, once it has become its program.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pid_file: Option<String>,
    /// As in [`LaunchPlan`].
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub oom_score_adj: Option<i32>,
    /// As in [`LaunchPlan`].
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub hard_limits: Vec<HardLimit>,
    /// The processors that the helper runs on before it is in the container's cgroup. None: those that we may.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub first_cpus: Option<Vec<u32>>,
    pub descriptors: Descriptors,
    /// As in [`LaunchPlan`].
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub console_socket: Option<String>,
    /// The unix socket that gets a pidfd of the process.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub pidfd_socket: Option<String>,
    /// Under the container's seccomp filter, as the launch has compiled it.
    pub seccomp: bool,
    pub steps: Vec<Step>,
}

/// A directory below a container's own in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SubCgroup {
    /// Where the hierarchy is mounted.
    pub mount: String,
    /// Relative to the container's directory; empty for that one itself.
    pub path: String,
}

/// The part of the state record that is known before the launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RecordSeed {
    /// The directory of all containers' records.
    pub root: String,
    pub id: String,
    pub oci_version: String,
    pub bundle: String,
    pub rootfs: String,
    /// RFC 3339.
    pub created: String,
    pub annotations: BTreeMap<String, String>,
    /// linux.resources as JSON, for later updates.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub resources: Option<String>,
    /// What the engine runs on the host. It is kept with the record, since the last of them run when nothing else is left.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub hooks: Option<HostHooks>,
}

/// The hooks that run in the namespaces of the runtime, by when they do (runtime-spec, config.md). Those of one kind in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HostHooks {
    /// At [`Step::HostHooks`].
    pub prestart: Vec<Hook>,
    /// After those.
    pub create_runtime: Vec<Hook>,
    /// Once the program runs.
    pub poststart: Vec<Hook>,
    /// Once nothing is left of the container but its record.
    pub poststop: Vec<Hook>,
    pub output: HookOutput,
}

/// A program of the user's that is run at one moment of a container's life, with the container's state on standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Hook {
    pub path: String,
    /// At least one.
    pub args: Vec<String>,
    /// All of its environment.
    pub env: Vec<String>,
    /// Seconds, after which it is killed.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub timeout: Option<u32>,
}

/// Files that take what hooks write. What has none is kept, its end, for the message about a hook that fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HookOutput {
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub stdout: Option<String>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub stderr: Option<String>,
}

/// Hooks that init runs itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct InitHooks {
    pub hooks: Vec<Hook>,
    /// The container's state as a JSON object that has members, but no `pid`: init puts that in, as it knows itself.
    pub state: String,
    /// Opened on the host.
    pub output: HookOutput,
}

/// Which of the caller's descriptors the container gets, by their numbers in the caller. All others are closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Descriptors {
    /// They become 0, 1 and 2; -1 stands for one that is not open.
    pub stdio: [i32; 3],
    /// They become 3, 4, ….
    pub inherit: Vec<i32>,
}

/// A cgroup, as directories in one or more hierarchies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CgroupPlan {
    pub hierarchies: Vec<HierarchyPlan>,
    /// Device access, in order, the last match wins (cgroup v1 devices.allow/deny; an eBPF program on v2).
    pub devices: Vec<DeviceRule>,
    /// Go on without a cgroup where the caller may not create one: an unprivileged user's container without limits.
    pub optional: bool,
    /// What of its v2 cgroup the container may do with as it likes; none: nothing.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub delegation: Option<Delegation>,
    /// The systemd unit that it belongs to. systemd makes the directory then, where the hierarchies' paths say.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub unit: Option<UnitPlan>,
}

/// A v2 cgroup that is handed over to a container (cgroup-v2.rst, "Delegation").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Delegation {
    /// A directory below that of the container, without a leading slash, which its processes join in place of that one. The
    /// limits stay above it, out of their reach. None: the container's own directory is handed over.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub below: Option<String>,
    /// The host uid that the directory is given to; none: it stays the caller's.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub owner: Option<u32>,
}

/// A transient scope of systemd: org.freedesktop.systemd1(5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UnitPlan {
    /// `gantry-box.scope`.
    pub name: String,
    /// It is the user's own manager that has it, not the system's.
    pub user: bool,
    /// All but its first process.
    pub properties: Vec<UnitProperty>,
}

/// A property of a unit, as it is set over D-Bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UnitProperty {
    pub name: String,
    pub value: BusValue,
}

/// A value of D-Bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum BusValue {
    Boolean(bool),
    Byte(u8),
    Int16(i16),
    Uint16(u16),
    Int32(i32),
    Uint32(u32),
    /// In decimal.
    Int64(String),
    Uint64(ExactU64),
    Double(f64),
    String(String),
    ObjectPath(String),
    Signature(String),
    Array {
        /// The signature of each item.
        element: String,
        items: Vec<BusValue>,
    },
    Struct(Vec<BusValue>),
}

/// The container's directory in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HierarchyPlan {
    /// Where the hierarchy is mounted: `/sys/fs/cgroup/memory`, `/sys/fs/cgroup`.
    pub mount: String,
    /// 1 or 2.
    pub version: u8,
    /// v1: the controllers of this hierarchy (`cpu`, `cpuacct`; `name=systemd`). v2: those to enable on the way down.
    pub controllers: Vec<String>,
    /// The directory below `mount`, without a leading slash.
    pub path: String,
    /// Values to write after creation, in order.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub writes: Vec<CgroupWrite>,
}

/// One value written to one file of a cgroup directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CgroupWrite {
    /// A name without a slash.
    pub file: String,
    pub value: String,
    /// What happens where the kernel has no such file. None: that is an error.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub otherwise: Option<Otherwise>,
    /// A file whose number the value must not be below: else nothing at all is written, and the failure is EBUSY.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub at_least: Option<String>,
}

/// What takes the place of a value whose file is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Otherwise {
    /// The value asks for what is the case without the file.
    Nothing,
    /// The same for another file, which must be there.
    Write { file: String, value: String },
}

/// New values for the cgroup of a container that is there: all of them, or after a failure none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct UpdatePlan {
    pub root: String,
    pub id: String,
    pub hierarchies: Vec<HierarchyWrites>,
    /// None: the device rules that are there stay.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub devices: Option<DeviceChange>,
    /// The same for its systemd unit, if it has one.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub unit_properties: Vec<UnitProperty>,
    /// What the record is to say of linux.resources, as JSON.
    pub resources: String,
    /// What it said when the plan was made: where it says something else by now, the failure is EAGAIN.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub before: Option<String>,
}

/// Device rules that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeviceChange {
    /// All rules so far: v1 does not tell them.
    pub from: Vec<DeviceRule>,
    pub to: Vec<DeviceRule>,
}

/// The values of one hierarchy in an [`UpdatePlan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HierarchyWrites {
    /// Where it is mounted.
    pub mount: String,
    /// 1 or 2.
    pub version: u8,
    pub writes: Vec<CgroupWrite>,
}

/// A rule of the devices controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct DeviceRule {
    pub allow: bool,
    /// `a` (all), `b` or `c`.
    pub kind: String,
    /// None: any.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub major: Option<u32>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub minor: Option<u32>,
    /// Letters of `rwm`.
    pub access: String,
}

/// What init does. Sent to it in one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct InitPlan {
    /// New (no path) or joined (a path) namespaces. A kind that is absent stays the caller's.
    pub namespaces: Vec<Namespace>,
    /// How ids map in a new user namespace.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub id_maps: Option<IdMaps>,
    /// The ids that a joined user namespace has to have: the config says them too.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub joined_ids: Option<JoinedIds>,
    /// Lines for /proc/PID/timens_offsets (time_namespaces(7)), for a new time namespace.
    pub time_offsets: Vec<String>,
    /// Interfaces that the engine moves into the network namespace once that is there.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub net_devices: Vec<NetDevice>,
    /// Take hold of the mount sources before the user namespace is entered, with the caller's rights.
    /// Needs CAP_SYS_ADMIN; without it they are taken afterwards, from the copied mount namespace.
    pub sources_first: bool,
    /// For a process in a container that is there: the namespaces of its init that are to be entered, through a pidfd that the helper
    /// is started with. The engine knows them.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub enter: Option<Vec<NamespaceKind>>,
    pub steps: Vec<Step>,
    /// What the program's system calls go through: seccomp(2). Not written by TypeScript, but by the engine.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(skip))]
    pub filter: Option<Filter>,
}

/// A seccomp filter as the kernel takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The fields of struct sock_filter, in their order.
    pub instructions: Vec<(u16, u8, u8, u32)>,
    /// Of SECCOMP_SET_MODE_FILTER.
    pub flags: u32,
}

impl InitPlan {
    fn namespace(&self, kind: NamespaceKind) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.kind == kind)
    }

    fn is_new(&self, kind: NamespaceKind) -> bool {
        self.namespace(kind).is_some_and(|namespace| namespace.path.is_none())
    }

    /// Whether init has to fork once it has set its namespaces up: a process enters a PID namespace only as a child
    /// (pid_namespaces(7)), and its own new time namespace likewise.
    pub fn forks(&self) -> bool {
        let pid = self.namespace(NamespaceKind::Pid);
        self.is_new(NamespaceKind::Time) || (pid.is_some() && !self.pid_namespace_at_clone())
    }

    /// Whether the engine clones init straight into the new PID namespace: unless that has to belong to a user namespace
    /// entered first, or init forks anyway.
    pub fn pid_namespace_at_clone(&self) -> bool {
        self.is_new(NamespaceKind::Pid)
            && self.namespace(NamespaceKind::User).is_none()
            && !self.is_new(NamespaceKind::Time)
    }
}

/// A network interface of the host that the container gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct NetDevice {
    /// Its name in the caller's network namespace.
    pub host: String,
    /// Its new name, in which the kernel puts the first free number for `%d`. None: it keeps its name.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum NamespaceKind {
    User,
    Pid,
    Mount,
    Network,
    Ipc,
    Uts,
    Cgroup,
    Time,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Namespace {
    pub kind: NamespaceKind,
    /// A file that refers to the namespace to join; none for a new one.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub path: Option<String>,
}

/// The id maps of a new user namespace (user_namespaces(7)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdMaps {
    pub uids: Vec<IdMap>,
    pub gids: Vec<IdMap>,
    /// Through newuidmap(1) and newgidmap(1), which may map the ranges of subuid(5), instead of by the engine itself.
    pub helpers: bool,
    /// Write `deny` to /proc/PID/setgroups first: what an unprivileged writer of gid_map has to do.
    pub deny_setgroups: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct JoinedIds {
    pub uids: Vec<IdMap>,
    pub gids: Vec<IdMap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct IdMap {
    pub inside: u32,
    pub outside: u32,
    pub size: u32,
}

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
    },
    /// Mounts something at a place inside the root, or over the root.
    Mount(Mount),
    /// Makes a device node, unless the same one is there already.
    Device(Device),
    /// Binds the host's node at a path, which has to be this device, at the same path inside the root: mknod(2) is not allowed in
    /// a user namespace.
    HostDevice {
        path: String,
        /// `b`, or `c` or `u` for a character device.
        kind: String,
        major: u32,
        minor: u32,
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
    /// Makes the mounts read-only that have [`Special::ReadonlyLast`].
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
    /// Hides a path: a file under /dev/null, a directory under an empty read-only tmpfs. One that does not exist is passed over.
    MaskedPath {
        path: String,
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
    /// Becomes the program, under the filter if there is one. Always the last step.
    Exec(Program),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Propagation {
    Shared,
    Slave,
    Private,
    Unbindable,
}

/// A mount inside the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Mount {
    /// Where, inside the root. Made if it is missing: a directory, or a file for a source that is not a directory.
    /// `/`: over the root, which it then is.
    pub target: String,
    pub what: Mounted,
    /// Attributes of the mount itself.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub set: Vec<MountAttribute>,
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub clear: Vec<MountAttribute>,
    /// Attributes of the mount and all below it.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub set_recursively: Vec<MountAttribute>,
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub clear_recursively: Vec<MountAttribute>,
    /// In order, each with whether it applies to all mounts below.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub propagation: Vec<PropagationChange>,
    /// What few mounts need, in any order.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub special: Vec<Special>,
    /// Shows files with other owners than they have (`idmap`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub id_map: Option<MountIdMap>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Special {
    /// Copy what the target holds into the new file system (`tmpcopyup`).
    CopyUp,
    /// Fail when the target or one above it is a symbolic link: for proc and sysfs.
    RealDirectory,
    /// Mount over the target itself where that is a symbolic link, not over what it points to (`dest-nofollow`).
    OverLink,
    /// Read-only only at [`Step::ReadonlyMounts`], when all that goes into it is there.
    ReadonlyLast,
    /// Count the changes of each inode (`iversion`), which only mount(2) can ask for.
    CountChanges,
}

/// The ids of an id-mapped mount, as a user namespace has them: files of the id `inside` are shown as those of `outside`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct MountIdMap {
    pub ids: MappedIds,
    /// For the mounts below it too (`ridmap`).
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum MappedIds {
    /// These.
    Ranges { uids: Vec<IdMap>, gids: Vec<IdMap> },
    /// Those of the user namespace that this file refers to.
    Namespace { path: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Mounted {
    /// A new instance of a file system: fsopen(2), with its parameters in order.
    Filesystem { kind: String, parameters: Vec<Parameter> },
    /// A view of a host path.
    Bind {
        source: String,
        recursive: bool,
        /// What to do where the source is a symbolic link; without it, what that points to is bound.
        #[cfg_attr(feature = "typescript", ts(optional))]
        link: Option<SourceLink>,
    },
    /// What is mounted at the target already (`remount`): its attributes change, and these parameters of its file system.
    Existing { parameters: Vec<Parameter> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum SourceLink {
    /// Bind the link itself (`src-nofollow`).
    Bind,
    /// Make the same link at the target, and mount nothing (`copy-symlink`).
    Copy,
}

/// A parameter of a file system: a flag, or a name with a value (fsconfig(2)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Parameter {
    pub name: String,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub value: Option<String>,
}

/// mount_setattr(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum MountAttribute {
    Ro,
    Nosuid,
    Nodev,
    Noexec,
    Noatime,
    Strictatime,
    Relatime,
    Nodiratime,
    Nosymfollow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PropagationChange {
    pub to: Propagation,
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Device {
    /// Inside the root.
    pub path: String,
    /// `b`, `c`, `u` (the same as `c`) or `p`.
    pub kind: String,
    pub major: u32,
    pub minor: u32,
    /// Permission bits; not reduced by the umask.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// struct sched_attr of sched_setattr(2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Scheduler {
    /// The number of the policy.
    pub policy: u32,
    pub flags: u32,
    /// -20…19.
    pub nice: i32,
    /// 0…99.
    pub priority: u32,
    /// Nanoseconds, of SCHED_DEADLINE.
    pub runtime: ExactU64,
    pub deadline: ExactU64,
    pub period: ExactU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Terminal {
    /// A pty slave on the host (the seed's `--console`).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub slave: Option<String>,
    /// The size, if it is to be set: rows and columns (ioctl_tty(2)).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub rows: Option<u16>,
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub columns: Option<u16>,
    /// The master is a stream of our caller's, which shows it in its own way: it stays as a pty is at first, rather than be set up
    /// to be joined to our terminal.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub plain: bool,
    /// Who owns the pty slave.
    pub uid: u32,
    /// Bind it on /dev/console.
    pub console: bool,
}

/// credentials(7), capabilities(7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
    /// The supplementary groups, exactly; none where setgroups(2) is denied.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub groups: Option<Vec<u32>>,
    /// None: all sets stay what the change of user makes of them.
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub capabilities: Option<CapabilitySets>,
    /// Stay able to load a filter without no_new_privs: keep CAP_SYS_ADMIN permitted and effective until execve(2), which takes
    /// away what is not in the bounding set.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<_>"))]
    pub keep_admin: bool,
}

/// The five capability sets, each as the numbers of its capabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct CapabilitySets {
    pub bounding: Vec<u8>,
    pub effective: Vec<u8>,
    pub permitted: Vec<u8>,
    pub inheritable: Vec<u8>,
    pub ambient: Vec<u8>,
}

/// What the container runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Program {
    /// At least one; the first names the program.
    pub args: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Add HOME from the container's /etc/passwd entry of this uid (`/` without one).
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub home_of: Option<u32>,
    /// Add LISTEN_PID with the process's own pid: sd_listen_fds(3).
    pub listen_pid: bool,
}

/// A 64-bit number that crosses JSON exactly: as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactU64(pub u64);

#[cfg(feature = "typescript")]
impl ts_rs::TS for ExactU64 {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;
    fn name(_: &ts_rs::Config) -> std::string::String {
        "string".into()
    }
    fn inline(config: &ts_rs::Config) -> std::string::String {
        <Self as ts_rs::TS>::name(config)
    }
}

impl Serialize for ExactU64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(&self.0) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for ExactU64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map(Self).map_err(|_| serde::de::Error::custom("not an unsigned 64-bit number"))
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}
