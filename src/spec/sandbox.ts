/**
 * The configuration of `sandbox`: a command with no bundle and no image, for code that is not trusted.
 *
 * Its root is this machine's, read-only down to the last mount, so that the command finds the programs it needs; its
 * own are /tmp, /dev, /proc, /sys and /run, where the machine's sockets are. It has no capabilities, can gain none, and
 * no network.
 */
import { specVersion } from '../version.js'
import { MASKED_PATHS, READONLY_PATHS } from './default.js'
import { checkSpec } from './parse.js'
import type { CpuResources, IdMapping, Integer, Mount, Namespace, Seccomp, Spec } from './spec.js'

export interface SandboxOptions {
  readonly args: readonly string[]
  /** Absolute. */
  readonly cwd: string
  /** `NAME=value`. PATH is set when it is not among them. */
  readonly env: readonly string[]
  /** Absolute directories of the host that the command may write to, with all that is mounted below them. */
  readonly writable: readonly string[]
  /** An absolute directory in place of the view of this machine. */
  readonly rootfs?: string
  /** What is changed in that directory goes to this one, absolute, or is kept in memory; without it, nothing can be changed. */
  readonly overlay?: string | true
  /** The command may write to that directory itself. */
  readonly writableRoot?: boolean
  readonly network: SandboxNetwork
  /** Bytes, with none of them swapped out. */
  readonly memory?: Integer
  /** How many processes and threads. */
  readonly pids?: Integer
  /** How many processors: 0.5 is half the time of one. */
  readonly cpus?: number
  readonly hostname?: string
  readonly terminal?: boolean
  /** Of the terminal, if it is not to be that of the caller's. */
  readonly consoleSize?: { readonly columns: number; readonly rows: number }
  /** Which ids become the container's. */
  readonly userNamespace?: {
    readonly uidMappings: readonly IdMapping[]
    readonly gidMappings: readonly IdMapping[]
    /** The caller's own id is not among them: what is writable has to be mapped, for files to have its owner and not theirs. */
    readonly apart?: boolean
  }
  /** Who the command is; root, without any of its powers, by default. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] }
  readonly seccomp?: Seccomp
  /** Has the last word. */
  readonly edit?: (spec: Spec) => Spec
}

/** For the request: what the root is to be. */
export interface SandboxRoot {
  /** It is a view of this machine and must be read-only from the start. */
  readonly readonlyView: boolean
  /** Its files are shown with the sandbox's ids. */
  readonly rootIds: boolean
  readonly overlay?: string | true
}

/** `none`: a new one with loopback alone. `host`: the caller's. `join`: the one that a file refers to, by an absolute path. */
export type SandboxNetwork = 'none' | 'host' | { readonly join: string }

export interface Sandbox {
  readonly spec: Spec
  readonly root: SandboxRoot
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Microseconds. */
const CPU_PERIOD = 100_000

/** Group tty of Debian, Fedora and all others, which owns terminals. */
const TTY_GROUP = 5

/** Throws a SpecError when an option is wrong. */
export function sandboxSpec(options: SandboxOptions): Sandbox {
  const {
    args,
    cwd,
    env,
    rootfs,
    overlay,
    writableRoot,
    memory,
    pids,
    cpus,
    hostname = 'sandbox',
    terminal = false,
    userNamespace,
  } = options
  const { network, consoleSize: size, user = { uid: 0, gid: 0 }, seccomp, edit = (one) => one } = options
  const spec: Spec = {
    ociVersion: specVersion,
    root: { path: rootfs ?? '/', readonly: !(overlay || writableRoot) },
    process: {
      terminal,
      ...(size && { consoleSize: { height: size.rows, width: size.columns } }),
      user,
      args,
      env: env.some((variable) => variable.startsWith('PATH=')) ? env : [DEFAULT_PATH, ...env],
      cwd,
      capabilities: {},
      // A core file could land on the host.
      rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
      noNewPrivileges: true,
    },
    hostname,
    mounts: mounts(options),
    linux: {
      namespaces: namespaces(options),
      ...(userNamespace && {
        uidMappings: userNamespace.uidMappings,
        gidMappings: userNamespace.gidMappings,
      }),
      ...(seccomp && { seccomp }),
      resources: {
        ...(memory !== undefined && { memory: { limit: memory, swap: memory } }),
        ...(pids !== undefined && { pids: { limit: pids } }),
        ...(cpus !== undefined && { cpu: cpuTime(cpus) }),
      },
      maskedPaths: [
        ...MASKED_PATHS,
        '/proc/interrupts',
        '/sys/devices/virtual/powercap',
        // The interfaces of this machine, where its own sysfs is all that can be had.
        ...(bindsSys(options) && network !== 'host' ? ['/sys/class/net', '/sys/devices/virtual/net'] : []),
      ],
      readonlyPaths: READONLY_PATHS,
    },
  }
  const own = rootfs !== undefined
  return {
    spec: checkSpec('sandbox', edit(spec)),
    root: { readonlyView: !own, rootIds: own && (userNamespace?.apart ?? false), overlay },
  }
}

function namespaces({ network, userNamespace }: SandboxOptions): Namespace[] {
  return [
    ...(userNamespace ? [{ type: 'user' } as const] : []),
    { type: 'pid' },
    { type: 'mount' },
    { type: 'ipc' },
    { type: 'uts' },
    { type: 'cgroup' },
    ...(network === 'none' ? [{ type: 'network' } as const] : []),
    ...(typeof network === 'object' ? [{ type: 'network', path: network.join } as const] : []),
  ]
}

/** A new sysfs shows the network namespace, and takes rights over that: without them this machine's sysfs has to do. */
function bindsSys({ network, userNamespace }: SandboxOptions): boolean {
  return userNamespace !== undefined && network !== 'none'
}

function mounts(options: SandboxOptions): Mount[] {
  const { rootfs, userNamespace, writable } = options
  const quiet = ['nosuid', 'noexec', 'nodev']
  const hasTty =
    !userNamespace ||
    userNamespace.gidMappings.some(
      ({ containerID, size }) => containerID <= TTY_GROUP && TTY_GROUP < containerID + size,
    )
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: quiet },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        ...(hasTty ? [`gid=${TTY_GROUP}`] : []),
      ],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
    bindsSys(options)
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'rro', 'rnosuid', 'rnoexec', 'rnodev'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
    // Where the machine's sockets are. A root of one's own need not have the directory.
    ...(rootfs === undefined
      ? [{ destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=755'] }]
      : []),
    ...writable.map((path) => ({
      destination: path,
      type: 'none',
      source: path,
      options: ['rbind', 'rnosuid', 'rnodev', ...(userNamespace?.apart ? ['ridmap'] : [])],
    })),
  ]
}

function cpuTime(cpus: number): CpuResources {
  return { quota: Math.round(cpus * CPU_PERIOD), period: CPU_PERIOD }
}
