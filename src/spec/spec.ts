/**
 * The typed form of a config.json: what parse.ts makes of the text, and what plan/ reads.
 *
 * These are the properties of the OCI runtime specification 1.3 (config.md, config-linux.md), under its
 * names: all that it has for Linux.
 */

/** A whole number of up to 64 bits: a bigint where a double would round it. */
export type Integer = number | bigint

export interface Spec {
  readonly ociVersion: string
  readonly root: Root
  readonly process: Process
  readonly hostname?: string
  readonly domainname?: string
  /** In the order in which they are mounted. */
  readonly mounts?: readonly Mount[]
  readonly hooks?: Hooks
  readonly annotations?: StringMap
  readonly linux?: Linux
}

/** What every process of a container is made by, not only its first. */
export interface ProcessSpec extends Pick<Spec, 'process' | 'annotations'> {
  readonly linux?: Pick<Linux, 'namespaces' | 'uidMappings' | 'gidMappings' | 'personality' | 'memoryPolicy'> & {
    readonly seccomp?: object
  }
}

export type StringMap = Readonly<Record<string, string>>

export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string
  readonly readonly?: boolean
}

export interface Mount {
  /** Inside the root; a relative one starts at `/`. */
  readonly destination: string
  readonly type?: string
  /** Of a bind: absolute, or relative to the bundle. */
  readonly source?: string
  readonly options?: readonly string[]
  /** Of an id-mapped mount: both or neither. */
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
}

/** By when they run; those of one kind in order. */
export interface Hooks {
  readonly prestart?: readonly Hook[]
  readonly createRuntime?: readonly Hook[]
  readonly createContainer?: readonly Hook[]
  readonly startContainer?: readonly Hook[]
  readonly poststart?: readonly Hook[]
  readonly poststop?: readonly Hook[]
}

export interface Hook {
  /** Absolute. */
  readonly path: string
  /** With its own name first; that alone if there are none. */
  readonly args?: readonly string[]
  /** All of its environment; none if it is absent. */
  readonly env?: readonly string[]
  /** Seconds. */
  readonly timeout?: number
}

export interface Process {
  readonly terminal?: boolean
  /** In characters; only with a terminal. */
  readonly consoleSize?: { readonly height: number; readonly width: number }
  readonly user: User
  readonly args: readonly string[]
  /** `NAME=value`; of two with one name the last counts. */
  readonly env?: readonly string[]
  readonly cwd: string
  readonly capabilities?: Capabilities
  readonly rlimits?: readonly Rlimit[]
  readonly noNewPrivileges?: boolean
  /** -1000…1000. */
  readonly oomScoreAdj?: number
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly scheduler?: Scheduler
  readonly ioPriority?: IoPriority
  readonly execCPUAffinity?: CpuAffinity
}

/** sched_setattr(2); names as in attributes.ts. */
export interface Scheduler {
  readonly policy: string
  readonly nice?: number
  readonly priority?: number
  readonly flags?: readonly string[]
  /** Nanoseconds. */
  readonly runtime?: Integer
  readonly deadline?: Integer
  readonly period?: Integer
}

export interface IoPriority {
  readonly class: string
  /** 0…7, 0 being the highest. */
  readonly priority?: number
}

/** Processors as lists: of a process of `exec` before and after it enters the container's cgroup. */
export interface CpuAffinity {
  readonly initial?: string
  readonly final?: string
}

export interface User {
  readonly uid: number
  readonly gid: number
  readonly umask?: number
  readonly additionalGids?: readonly number[]
}

/** Names such as `CAP_KILL`. */
export interface Capabilities {
  readonly bounding?: readonly string[]
  readonly effective?: readonly string[]
  readonly permitted?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly ambient?: readonly string[]
}

export interface Rlimit {
  /** `RLIMIT_NOFILE`, … */
  readonly type: string
  readonly soft: Integer
  readonly hard: Integer
}

export interface Linux {
  readonly namespaces?: readonly Namespace[]
  readonly uidMappings?: readonly IdMapping[]
  readonly gidMappings?: readonly IdMapping[]
  /** By clock: `monotonic`, `boottime`. */
  readonly timeOffsets?: Readonly<Record<string, TimeOffset>>
  readonly devices?: readonly Device[]
  readonly intelRdt?: IntelRdt
  /** By their names in the caller's network namespace. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>
  readonly cgroupsPath?: string
  readonly resources?: Resources
  readonly sysctl?: StringMap
  readonly rootfsPropagation?: string
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  /** The SELinux context of what is mounted. */
  readonly mountLabel?: string
  readonly personality?: Personality
  readonly memoryPolicy?: MemoryPolicy
  readonly seccomp?: Seccomp
}

export interface Personality {
  readonly domain: string
  readonly flags?: readonly string[]
}

export interface MemoryPolicy {
  readonly mode: string
  /** A list such as `0-3,7`. */
  readonly nodes?: string
  readonly flags?: readonly string[]
}

/** What happens to system calls; the names of actions, architectures, flags and operators are those of seccomp.ts. */
export interface Seccomp {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  /** The unix socket that gets the descriptor of the notifications. */
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls?: readonly SyscallRule[]
}

export interface SyscallRule {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly SyscallCondition[]
}

export interface SyscallCondition {
  readonly index: number
  readonly value: Integer
  readonly valueTwo?: Integer
  readonly op: string
}

export interface Namespace {
  readonly type: 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'
  /** The namespace to join; none, or an empty one, for a new namespace. */
  readonly path?: string
}

export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface TimeOffset {
  readonly secs?: Integer
  readonly nanosecs?: number
}

export interface Device {
  readonly type: 'b' | 'c' | 'u' | 'p'
  readonly path: string
  /** Absent only for `p`. */
  readonly major?: number
  readonly minor?: number
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

/** Shares of caches and memory bandwidth; also those of AMD and Arm. */
export interface IntelRdt {
  /** The control group: one of the container's own if absent, `/` for the root. */
  readonly closID?: string
  /** `L3:0=ff;1=f` */
  readonly l3CacheSchema?: string
  /** `MB:0=50;1=70` */
  readonly memBwSchema?: string
  /** Lines of the file of that name. */
  readonly schemata?: readonly string[]
  readonly enableMonitoring?: boolean
}

export interface NetDevice {
  /** In the container, with `%d` for the first free number; absent: it keeps its name. */
  readonly name?: string
}

export interface Resources {
  readonly devices?: readonly DeviceRule[]
  readonly memory?: MemoryResources
  readonly cpu?: CpuResources
  /** -1 is no limit, 0 is one. */
  readonly pids?: { readonly limit?: Integer }
  readonly blockIO?: BlockIO
  readonly hugepageLimits?: readonly HugepageLimit[]
  /** By device: `mlx5_0`. */
  readonly rdma?: Rdma
  readonly network?: Network
  /** cgroup v2: the values of files, by their names. */
  readonly unified?: StringMap
}

export interface DeviceRule {
  readonly allow: boolean
  /** Absent or empty: `a`. */
  readonly type?: string
  /** Absent or -1: any. */
  readonly major?: number
  readonly minor?: number
  /** Letters of `rwm`; absent or empty: all. */
  readonly access?: string
}

/** Bytes; -1 is no limit. */
export interface MemoryResources {
  readonly limit?: Integer
  readonly reservation?: Integer
  /** Memory and swap together. */
  readonly swap?: Integer
  readonly kernel?: Integer
  readonly kernelTCP?: Integer
  /** 0…100; -1, also as an unsigned number, says nothing. */
  readonly swappiness?: Integer
  readonly disableOOMKiller?: boolean
  readonly useHierarchy?: boolean
  /** Refuse a limit below what is in use. */
  readonly checkBeforeUpdate?: boolean
}

export interface CpuResources {
  readonly shares?: Integer
  /** Microseconds of each period; -1 is no limit. */
  readonly quota?: Integer
  readonly period?: Integer
  /** Microseconds. */
  readonly burst?: Integer
  /** Microseconds of each period for real-time scheduling. */
  readonly realtimeRuntime?: Integer
  readonly realtimePeriod?: Integer
  /** 1: gets what nobody else wants (SCHED_IDLE). */
  readonly idle?: number
  /** Lists such as `0-3,7`. */
  readonly cpus?: string
  readonly mems?: string
}

export interface BlockIO {
  /** 10…1000. */
  readonly weight?: number
  readonly leafWeight?: number
  readonly weightDevice?: readonly WeightDevice[]
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[]
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[]
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[]
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[]
}

export interface WeightDevice {
  readonly major: number
  readonly minor: number
  readonly weight?: number
  readonly leafWeight?: number
}

export interface ThrottleDevice {
  readonly major: number
  readonly minor: number
  /** Bytes or operations a second; 0 is no limit. */
  readonly rate: Integer
}

export interface HugepageLimit {
  /** `2MB`, `1GB`. */
  readonly pageSize: string
  /** Bytes. */
  readonly limit: Integer
}

export type Rdma = Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>

export interface Network {
  readonly classID?: number
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[]
}
