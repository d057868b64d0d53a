// Generated from crates/wire by `npm run generate`; do not edit.
// The launch plan as TypeScript sees it: what a config.json is compiled into, and what the engine and init carry out.

export type Failure = { 
/**
 * What was being done, in words that complete "cannot …": `mount proc`, `write uid_map`, `find program`.
 */
step: string, 
/**
 * What it was done to: a path, a name, a number. Empty where the step says it all.
 */
object: string, 
/**
 * The errno of the system call that failed (errno(3)); 0 when no system call did.
 */
errno: number, 
/**
 * What else has to do with it: the interpreter of the object, for example.
 */
detail?: string | null, };

export type LaunchPlan = { 
/**
 * What the container's state record says.
 */
record: RecordSeed, 
/**
 * Where the host pid of the container's init is written, before its program runs.
 */
pidFile?: string, 
/**
 * The cgroup to create, fill and join.
 */
cgroup?: CgroupPlan, 
/**
 * The share of caches and memory bandwidth.
 */
resctrl?: ResctrlPlan, 
/**
 * Written to /proc/PID/oom_score_adj (proc(5)); -1000…1000.
 */
oomScoreAdj?: number, 
/**
 * Hard limits of resources that init may have to raise and can't, in a user namespace of its own: raised from outside.
 */
hardLimits?: Array<HardLimit>, descriptors: Descriptors, 
/**
 * The unix socket that gets the pty master (runc's `--console-socket`).
 */
consoleSocket?: string, 
/**
 * The unix socket that gets a pidfd of init (runc's `--pidfd-socket`).
 */
pidfdSocket?: string, 
/**
 * Make the directory `notify` in the container's state directory, where `start` will put the sd_notify(3) socket.
 */
notifyDirectory: boolean, 
/**
 * The `linux.seccomp` section of the config, as JSON, with the values of conditions as decimal strings. The engine makes
 * [`InitPlan::filter`] of it.
 */
seccomp?: string, init: InitPlan, };

export type ResctrlPlan = { 
/**
 * Its directory: `/sys/fs/resctrl/NAME`, or the root of resctrl.
 */
group: string, create: ResctrlCreate, 
/**
 * Lines of the file `schemata`: written to a new group, and what one that is there has to say already.
 */
schemata: Array<string>, 
/**
 * The directory of a monitoring group, made for the container.
 */
monitoring?: string, };

export type ResctrlCreate = "never" | "ifMissing" | "own";

export type HardLimit = { resource: number, limit: string, };

export type ExecPlan = { 
/**
 * The directory of all containers' records.
 */
root: string, id: string, 
/**
 * Go on although the container is paused: the process then waits, like all others there, to be resumed.
 */
ignorePaused: boolean, 
/**
 * Where below the container's cgroup, in those hierarchies that are named, and nowhere else. None: in the container's cgroup, or
 * where init is if that one can't have processes (cgroups(7): no internal processes).
 */
cgroup?: Array<SubCgroup>, 
/**
 * Where the host pid of the process is written, once it has become its program.
 */
pidFile?: string, 
/**
 * As in `LaunchPlan`.
 */
oomScoreAdj?: number, 
/**
 * As in `LaunchPlan`.
 */
hardLimits?: Array<HardLimit>, 
/**
 * The processors that the helper runs on before it is in the container's cgroup. None: those that we may.
 */
firstCpus?: Array<number>, descriptors: Descriptors, 
/**
 * As in `LaunchPlan`.
 */
consoleSocket?: string, 
/**
 * The unix socket that gets a pidfd of the process.
 */
pidfdSocket?: string, 
/**
 * Under the container's seccomp filter, as the launch has compiled it.
 */
seccomp: boolean, steps: Array<Step>, };

export type SubCgroup = { 
/**
 * Where the hierarchy is mounted.
 */
mount: string, 
/**
 * Relative to the container's directory; empty for that one itself.
 */
path: string, };

export type RecordSeed = { 
/**
 * The directory of all containers' records.
 */
root: string, id: string, ociVersion: string, bundle: string, rootfs: string, 
/**
 * RFC 3339.
 */
created: string, annotations: { [key in string]: string }, 
/**
 * linux.resources as JSON, for later updates.
 */
resources?: string, 
/**
 * What the engine runs on the host. It is kept with the record, since the last of them run when nothing else is left.
 */
hooks?: HostHooks, };

export type HostHooks = { 
/**
 * At `Step::HostHooks`.
 */
prestart: Array<Hook>, 
/**
 * After those.
 */
createRuntime: Array<Hook>, 
/**
 * Once the program runs.
 */
poststart: Array<Hook>, 
/**
 * Once nothing is left of the container but its record.
 */
poststop: Array<Hook>, output: HookOutput, };

export type Hook = { path: string, 
/**
 * At least one.
 */
args: Array<string>, 
/**
 * All of its environment.
 */
env: Array<string>, 
/**
 * Seconds, after which it is killed.
 */
timeout?: number, };

export type HookOutput = { stdout?: string, stderr?: string, };

export type InitHooks = { hooks: Array<Hook>, 
/**
 * The container's state as a JSON object that has members, but no `pid`: init puts that in, as it knows itself.
 */
state: string, 
/**
 * Opened on the host.
 */
output: HookOutput, };

export type Descriptors = { 
/**
 * They become 0, 1 and 2; -1 stands for one that is not open.
 */
stdio: [number, number, number], 
/**
 * They become 3, 4, ….
 */
inherit: Array<number>, };

export type CgroupPlan = { hierarchies: Array<HierarchyPlan>, 
/**
 * Device access, in order, the last match wins (cgroup v1 devices.allow/deny; an eBPF program on v2).
 */
devices: Array<DeviceRule>, 
/**
 * Go on without a cgroup where the caller may not create one: an unprivileged user's container without limits.
 */
optional: boolean, 
/**
 * What of its v2 cgroup the container may do with as it likes; none: nothing.
 */
delegation?: Delegation, 
/**
 * The systemd unit that it belongs to. systemd makes the directory then, where the hierarchies' paths say.
 */
unit?: UnitPlan, };

export type Delegation = { 
/**
 * A directory below that of the container, without a leading slash, which its processes join in place of that one. The
 * limits stay above it, out of their reach. None: the container's own directory is handed over.
 */
below?: string, 
/**
 * The host uid that the directory is given to; none: it stays the caller's.
 */
owner?: number, };

export type UnitPlan = { 
/**
 * `gantry-box.scope`.
 */
name: string, 
/**
 * It is the user's own manager that has it, not the system's.
 */
user: boolean, 
/**
 * All but its first process.
 */
properties: Array<UnitProperty>, };

export type UnitProperty = { name: string, value: BusValue, };

export type BusValue = { "boolean": boolean } | { "byte": number } | { "int16": number } | { "uint16": number } | { "int32": number } | { "uint32": number } | { "int64": string } | { "uint64": string } | { "double": number } | { "string": string } | { "objectPath": string } | { "signature": string } | { "array": { 
/**
 * The signature of each item.
 */
element: string, items: Array<BusValue>, } } | { "struct": Array<BusValue> };

export type HierarchyPlan = { 
/**
 * Where the hierarchy is mounted: `/sys/fs/cgroup/memory`, `/sys/fs/cgroup`.
 */
mount: string, 
/**
 * 1 or 2.
 */
version: number, 
/**
 * v1: the controllers of this hierarchy (`cpu`, `cpuacct`; `name=systemd`). v2: those to enable on the way down.
 */
controllers: Array<string>, 
/**
 * The directory below `mount`, without a leading slash.
 */
path: string, 
/**
 * Values to write after creation, in order.
 */
writes?: Array<CgroupWrite>, };

export type CgroupWrite = { 
/**
 * A name without a slash.
 */
file: string, value: string, 
/**
 * What happens where the kernel has no such file. None: that is an error.
 */
otherwise?: Otherwise, 
/**
 * A file whose number the value must not be below: else nothing at all is written, and the failure is EBUSY.
 */
atLeast?: string, };

export type Otherwise = "nothing" | { "write": { file: string, value: string, } };

export type MountsPlan = { 
/**
 * The directory of all containers' records.
 */
root: string, id: string, 
/**
 * The propagation of what is bound: that of the container's own mounts.
 */
propagation: Propagation, 
/**
 * Mounts or [`Step::Unmount`], then [`Step::Done`].
 */
steps: Array<Step>, 
/**
 * What the saved configuration said when the plan was made: where it says something else by now, the failure is EAGAIN.
 */
before: string, };

export type UpdatePlan = { root: string, id: string, hierarchies: Array<HierarchyWrites>, 
/**
 * None: the device rules that are there stay.
 */
devices?: DeviceChange, 
/**
 * The same for its systemd unit, if it has one.
 */
unitProperties?: Array<UnitProperty>, 
/**
 * New shares of its control group of resctrl.
 */
resctrl?: ResctrlUpdate, 
/**
 * What the record is to say of linux.resources, as JSON.
 */
resources: string, 
/**
 * What it said when the plan was made: where it says something else by now, the failure is EAGAIN.
 */
before?: string, };

export type HierarchyWrites = { 
/**
 * Where it is mounted.
 */
mount: string, 
/**
 * 1 or 2.
 */
version: number, writes: Array<CgroupWrite>, };

export type DeviceChange = { 
/**
 * All rules so far: v1 does not tell them.
 */
from: Array<DeviceRule>, to: Array<DeviceRule>, };

export type ResctrlUpdate = { 
/**
 * Its directory.
 */
group: string, schemata: Array<string>, };

export type DeviceRule = { allow: boolean, 
/**
 * `a` (all), `b` or `c`.
 */
kind: string, 
/**
 * None: any.
 */
major?: number, minor?: number, 
/**
 * Letters of `rwm`.
 */
access: string, };

export type InitPlan = { 
/**
 * New (no path) or joined (a path) namespaces. A kind that is absent stays the caller's.
 */
namespaces: Array<Namespace>, 
/**
 * How ids map in a new user namespace.
 */
idMaps?: IdMaps, 
/**
 * The ids that a joined user namespace has to have: the config says them too.
 */
joinedIds?: JoinedIds, 
/**
 * Lines for /proc/PID/timens_offsets (time_namespaces(7)), for a new time namespace.
 */
timeOffsets: Array<string>, 
/**
 * Interfaces that the engine moves into the network namespace once that is there.
 */
netDevices?: Array<NetDevice>, 
/**
 * Take hold of the mount sources before the user namespace is entered, with the caller's rights.
 * Needs CAP_SYS_ADMIN; without it they are taken afterwards, from the copied mount namespace.
 */
sourcesFirst: boolean, 
/**
 * For a process in a container that is there: the namespaces of its init that are to be entered, through a pidfd that the helper
 * is started with. The engine knows them.
 */
enter?: Array<NamespaceKind>, steps: Array<Step>, };

export type NetDevice = { 
/**
 * Its name in the caller's network namespace.
 */
host: string, 
/**
 * Its new name, in which the kernel puts the first free number for `%d`. None: it keeps its name.
 */
name?: string, };

export type NamespaceKind = "user" | "pid" | "mount" | "network" | "ipc" | "uts" | "cgroup" | "time";

export type Namespace = { kind: NamespaceKind, 
/**
 * A file that refers to the namespace to join; none for a new one.
 */
path?: string, };

export type IdMaps = { uids: Array<IdMap>, gids: Array<IdMap>, 
/**
 * Through newuidmap(1) and newgidmap(1), which may map the ranges of subuid(5), instead of by the engine itself.
 */
helpers: boolean, 
/**
 * Write `deny` to /proc/PID/setgroups first: what an unprivileged writer of gid_map has to do.
 */
denySetgroups: boolean, };

export type JoinedIds = { uids: Array<IdMap>, gids: Array<IdMap>, };

export type IdMap = { inside: number, outside: number, size: number, };

export type Step = "loopbackUp" | { "hostPropagation": { to: Propagation, } } | { "rootfs": { path: string, inPlace?: boolean, 
/**
 * Shows its files, and those of what is mounted below it, with other owners than they have.
 */
idMap?: MappedIds, } } | { "overlay": Overlay } | { "mount": Mount } | { "device": Device } | { "hostDevice": { path: string, 
/**
 * `b`, or `c` or `u` for a character device.
 */
kind: string, major: number, minor: number, mode?: number, } } | { "link": { target: string, path: string, replace?: boolean, } } | { "directory": { path: string, } } | "hostHooks" | { "createContainerHooks": InitHooks } | "pivotRoot" | "moveRoot" | { "terminal": Terminal } | "newSession" | { "sessionKeyring": { name: string, label?: string, } } | { "rootPropagation": { to: Propagation, recursive: boolean, } } | "readonlyRoot" | "readonlyMounts" | { "hostname": { name: string, } } | { "domainname": { name: string, } } | { "sysctl": { path: string, value: string, } } | { "readonlyPath": { path: string, } } | { "maskedPath": { path: string, label?: string, } } | { "requireSelinux": { field: string, } } | { "selinuxLabel": { label: string, } } | { "apparmorProfile": { profile: string, } } | { "umask": { mask: number, } } | { "scheduler": Scheduler } | { "ioPriority": { class: number, priority: number, } } | { "personality": { domain: number, } } | { "memoryPolicy": { mode: number, nodes: Array<number>, } } | { "cpuAffinity": { cpus: Array<number>, } } | { "rlimit": { resource: number, soft: string, hard: string, } } | { "credentials": Credentials } | { "workingDirectory": { path: string, } } | "findProgram" | "commit" | "fork" | "gate" | "noNewPrivileges" | { "startContainerHooks": InitHooks } | { "exec": Program } | { "unmount": { path: string, } } | "done";

export type Propagation = "shared" | "slave" | "private" | "unbindable";

export type Mount = { 
/**
 * Where, inside the root. Made if it is missing: a directory, or a file for a source that is not a directory.
 * `/`: over the root, which it then is.
 */
target: string, what: Mounted, 
/**
 * Attributes of the mount itself.
 */
set?: Array<MountAttribute>, clear?: Array<MountAttribute>, 
/**
 * Attributes of the mount and all below it.
 */
setRecursively?: Array<MountAttribute>, clearRecursively?: Array<MountAttribute>, 
/**
 * In order, each with whether it applies to all mounts below.
 */
propagation?: Array<PropagationChange>, 
/**
 * What few mounts need, in any order.
 */
special?: Array<Special>, 
/**
 * Shows files with other owners than they have (`idmap`).
 */
idMap?: MountIdMap, };

export type Mounted = { "filesystem": { kind: string, parameters: Array<Parameter>, } } | { "bind": { source: string, recursive: boolean, 
/**
 * What to do where the source is a symbolic link; without it, what that points to is bound.
 */
link?: SourceLink, } } | { "existing": { parameters: Array<Parameter>, } };

export type SourceLink = "bind" | "copy";

export type MountIdMap = { ids: MappedIds, 
/**
 * For the mounts below it too (`ridmap`).
 */
recursive: boolean, };

export type MappedIds = { "ranges": { uids: Array<IdMap>, gids: Array<IdMap>, } } | { "namespace": { path: string, } };

export type Overlay = { 
/**
 * A directory of the host that gets the changes, as the directory `upper` in it, beside `work`; both are made if they are missing. None:
 * they are in memory, and gone with the container.
 */
changes?: string, 
/**
 * Of `changes`: as that of the root.
 */
idMap?: MappedIds, 
/**
 * Those of the overlay beside its layers.
 */
parameters: Array<Parameter>, };

export type Special = "copyUp" | "realDirectory" | "overLink" | "readonlyLast" | "countChanges";

export type Parameter = { name: string, value?: string, };

export type MountAttribute = "ro" | "nosuid" | "nodev" | "noexec" | "noatime" | "strictatime" | "relatime" | "nodiratime" | "nosymfollow";

export type PropagationChange = { to: Propagation, recursive: boolean, };

export type Device = { 
/**
 * Inside the root.
 */
path: string, 
/**
 * `b`, `c`, `u` (the same as `c`) or `p`.
 */
kind: string, major: number, minor: number, 
/**
 * Permission bits; not reduced by the umask.
 */
mode: number, uid: number, gid: number, };

export type Scheduler = { 
/**
 * The number of the policy.
 */
policy: number, flags: number, 
/**
 * -20…19.
 */
nice: number, 
/**
 * 0…99.
 */
priority: number, 
/**
 * Nanoseconds, of SCHED_DEADLINE.
 */
runtime: string, deadline: string, period: string, };

export type Terminal = { 
/**
 * A pty slave on the host (the seed's `--console`).
 */
slave?: string, 
/**
 * The size, if it is to be set: rows and columns (ioctl_tty(2)).
 */
rows?: number, columns?: number, 
/**
 * The master is a stream of our caller's, which shows it in its own way: it stays as a pty is at first, rather than be set up
 * to be joined to our terminal.
 */
plain?: boolean, 
/**
 * Who owns the pty slave.
 */
uid: number, 
/**
 * Bind it on /dev/console.
 */
console: boolean, };

export type Credentials = { uid: number, gid: number, 
/**
 * The supplementary groups, exactly; none where setgroups(2) is denied.
 */
groups?: Array<number>, 
/**
 * None: all sets stay what the change of user makes of them.
 */
capabilities?: CapabilitySets, 
/**
 * Stay able to load a filter without no_new_privs: keep CAP_SYS_ADMIN permitted and effective until execve(2), which takes
 * away what is not in the bounding set.
 */
keepAdmin?: boolean, };

export type CapabilitySets = { bounding: Array<number>, effective: Array<number>, permitted: Array<number>, inheritable: Array<number>, ambient: Array<number>, };

export type Program = { 
/**
 * At least one; the first names the program.
 */
args: Array<string>, 
/**
 * `NAME=value`.
 */
env: Array<string>, 
/**
 * Add HOME from the container's /etc/passwd entry of this uid (`/` without one).
 */
homeOf?: number, 
/**
 * Add LISTEN_PID with the process's own pid: sd_listen_fds(3).
 */
listenPid: boolean, };
