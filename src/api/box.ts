/** What a sandbox is made of: the options that `run` and `sandbox` share, checked. */
import { absolutePath } from '../lifecycle/paths.js'
import type { SandboxOptions } from '../lifecycle/sandbox.js'
import { checkNames, checkNumber, checkOneOf, checkString, environment, invalidArgument } from './arguments.js'

/** What the command sees as `/`. */
export type Rootfs =
  /** This machine, read-only down to the last mount, with /tmp, /dev, /proc, /sys and /run of its own. */
  | {
      readonly host: true
      /** Directories that the command may write to; a relative one starts at the current directory. */
      readonly writable?: readonly string[]
    }
  /** A directory, read-only. */
  | { readonly dir: string; readonly writable?: readonly string[] }

/** Limits of all processes together. One that can't be set here is an error. */
export interface Limits {
  /** Bytes; nothing is swapped out beyond it. */
  readonly memory?: number
  /** Processes and threads. */
  readonly pids?: number
  /** Processors: 0.5 is half the time of one. */
  readonly cpus?: number
}

/** `none`: a loopback interface and nothing else. `host`: this machine's. */
export type Network = 'none' | 'host'

export interface BoxOptions {
  /** `{ host: true }` by default. */
  readonly rootfs?: Rootfs
  /** Where the command runs: by default the current directory, or `/` where `rootfs` is a directory. */
  readonly cwd?: string
  /** All of its environment: nothing of this process's is passed on. PATH is set if it is not here; an undefined one is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly limits?: Limits
  /** `none` by default. */
  readonly network?: Network
  /** `sandbox` by default. */
  readonly hostname?: string
  /** The directory of the container's record; by default where `gantry sandbox` has its own. */
  readonly root?: string
}

export const boxNames = [
  'rootfs',
  'cwd',
  'env',
  'limits',
  'network',
  'hostname',
  'root',
] as const satisfies readonly (keyof BoxOptions)[]

/** As the lifecycle takes it; `here` is where relative paths start. */
export function planBox(argv: readonly string[], options: BoxOptions, here: string): SandboxOptions {
  const { rootfs = { host: true }, cwd, env, limits = {}, network = 'none', hostname, root } = options
  checkString('cwd', cwd)
  checkString('root', root)
  checkString('hostname', hostname)
  checkOneOf('network', network, ['none', 'host'])
  const directory = directoryOf(rootfs)
  return {
    args: [...argv],
    env: environment(env),
    network,
    hostname,
    ...checkLimits(limits),
    rootfs: directory,
    writable: rootfs.writable ?? [],
    cwd: cwd === undefined || directory !== undefined ? cwd : absolutePath(here, cwd),
    root,
  }
}

function checkLimits(limits: Limits): Limits {
  checkNames('limits', limits, ['memory', 'pids', 'cpus'])
  const { memory, pids, cpus } = limits
  for (const [name, value] of [
    ['limits.memory', memory],
    ['limits.pids', pids],
  ] as const) {
    checkNumber(name, value, 1, Number.MAX_SAFE_INTEGER)
    if (value !== undefined && !Number.isInteger(value)) throw invalidArgument(`${name}: expected a whole number`)
  }
  checkNumber('limits.cpus', cpus, 0.01, 65_536)
  return { memory, pids, cpus }
}

/** The directory that is the root; undefined for this machine. */
function directoryOf(rootfs: Rootfs): string | undefined {
  checkNames('rootfs', rootfs, ['host', 'dir', 'writable'])
  const { writable = [] } = rootfs
  if (!Array.isArray(writable) || writable.some((path) => typeof path !== 'string')) {
    throw invalidArgument('rootfs.writable: expected a list of directories')
  }
  if ('dir' in rootfs) {
    if ('host' in rootfs || typeof rootfs.dir !== 'string' || rootfs.dir === '') {
      throw invalidArgument('rootfs: expected { host: true } or { dir: a directory }')
    }
    return rootfs.dir
  }
  if (rootfs.host !== true) throw invalidArgument('rootfs: expected { host: true } or { dir: a directory }')
  return undefined
}
