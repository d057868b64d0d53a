/** What a sandbox is made of: the options that `run` and `sandbox` share, checked. */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { GantryError } from '../errors.js'
import { process } from '../host/node.js'
import { containerRef } from '../lifecycle/id.js'
import { absolutePath } from '../lifecycle/paths.js'
import type { SandboxOptions } from '../lifecycle/sandbox.js'
import type { Seccomp, Spec } from '../spec/spec.js'
import { strictSeccomp } from '../spec/strict-seccomp.js'
import {
  checkBoolean,
  checkNames,
  checkNumber,
  checkOneOf,
  checkString,
  describe,
  environment,
  invalidArgument,
} from './arguments.js'
import type { Boxed } from './images.js'
import { type Rootfs, rootOf } from './rootfs.js'

/**
 * Limits of all processes together; Infinity is none. One that is asked for and can't be set here is an error; the defaults hold where
 * this user may set limits, which is to say for root.
 */
export interface Limits {
  /** Bytes, /tmp included; nothing is swapped out beyond it. 1 GiB by default. */
  readonly memory?: number
  /** Processes and threads. 512 by default. */
  readonly pids?: number
  /** Processors: 0.5 is half the time of one. */
  readonly cpus?: number
}

/**
 * `none`: a loopback interface and nothing else. `host`: this machine's. `join`: that of another container, given as such or by its id; of
 * a process, by its pid; or what a file refers to (`/run/netns/blue`), by a path, which has a slash. Joining takes root.
 */
export type Network =
  | 'none'
  | 'host'
  | { readonly join: string | number | { readonly id: string; readonly root: string } }

export interface BoxOptions {
  /** `{ host: true }` by default. */
  readonly rootfs?: Rootfs
  /**
   * Where the command runs: by default the current directory, or `/` where others may not enter that or `rootfs` is none of this
   * machine's; an image may say another.
   */
  readonly cwd?: string
  /** All of its environment: nothing of this process's is passed on. PATH is set if it is not here; an undefined one is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly limits?: Limits
  /** `none` by default. */
  readonly network?: Network
  /** Ids in the sandbox. By default 0, root without any of its powers. */
  readonly user?: number | { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] }
  /**
   * Whether its ids are others than those of this machine's users, of the real root's sandbox; a user's always are. True by default.
   * What is closed to others is then closed to the sandbox, whoever
   * runs it; files in directories that it may write to belong to root all the same, and those of a `rootfs` of its own to its
   * users: the file system of these has to support id-mapped mounts.
   */
  readonly ownIds?: boolean
  /**
   * Which system calls there are. `strict`, the default: what programs use that are not system tools. `none`: all, or a profile
   * as in config.json (`linux.seccomp`).
   */
  readonly seccomp?: 'strict' | 'none' | Seccomp
  /** Has the last word on the configuration that was made of all this, and may give another. */
  readonly spec?: (spec: Spec) => Spec
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
  'user',
  'ownIds',
  'seccomp',
  'spec',
  'root',
] as const satisfies readonly (keyof BoxOptions)[]

/** As the lifecycle takes it; `here` is where relative paths start. */
export function planBox(argv: readonly string[], options: BoxOptions, here: string): Boxed {
  const { rootfs = { host: true }, cwd, env, limits = {}, network = 'none', hostname, root } = options
  const { ownIds = true, user, seccomp = 'strict', spec } = options
  checkString('cwd', cwd)
  checkString('root', root)
  checkString('hostname', hostname)
  checkBoolean('ownIds', ownIds)
  if (typeof seccomp !== 'object' || seccomp === null) checkOneOf('seccomp', seccomp, ['strict', 'none'])
  if (spec !== undefined && typeof spec !== 'function') throw invalidArgument('spec: expected a function')
  const { directory, image, ...changes } = rootOf(rootfs)
  return {
    args: [...argv],
    env: environment(env),
    network: networkOf(network),
    hostname,
    ...checkLimits(limits),
    ...changes,
    rootfs: directory,
    image,
    cwd: directory || image ? cwd : workingDirectory(here, cwd, ownIds),
    root,
    ownIds,
    user: userOf(user),
    seccomp: seccomp === 'strict' ? strictSeccomp : seccomp === 'none' ? undefined : structuredClone(seccomp),
    edit: spec && ((made) => edited(spec, made)),
  }
}

/** What the caller's function makes of a configuration; it may also change the one that it is given. */
function edited(edit: (spec: Spec) => Spec, spec: Spec): Spec {
  try {
    const own = structuredClone(spec)
    // A copy: what was read once is what counts.
    return structuredClone(edit(own) ?? own)
  } catch (cause) {
    throw new GantryError(
      'ERR_INVALID_ARGUMENT',
      `spec: it failed: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
  }
}

function networkOf(network: Network): SandboxOptions['network'] {
  if (typeof network !== 'object' || network === null) {
    checkOneOf('network', network, ['none', 'host'])
    return network
  }
  checkNames('network', network, ['join'])
  const { join } = network
  if (typeof join === 'number') {
    if (!Number.isInteger(join) || join < 1 || join > 2 ** 22) throw invalidArgument(`network.join: ${join} is no pid`)
    return { join: { pid: join } }
  }
  if (typeof join === 'string' && join !== '') return { join: join.includes('/') ? { path: join } : { id: join } }
  if (typeof join === 'object' && join !== null && typeof join.id === 'string' && typeof join.root === 'string') {
    return { join: containerRef(join.root, join.id) }
  }
  throw invalidArgument('network.join: expected a container, its id, a pid or a path')
}

export function userOf(user: BoxOptions['user']): SandboxOptions['user'] {
  if (user === undefined) return undefined
  const { uid, gid, groups = [] } = typeof user === 'object' ? user : { uid: user, gid: user }
  if (typeof user === 'object') checkNames('user', user, ['uid', 'gid', 'groups'])
  if (!Array.isArray(groups)) throw invalidArgument('user.groups: expected a list of numbers')
  for (const id of [uid, gid, ...groups]) {
    if (!Number.isInteger(id) || id < 0 || id > mostId) throw invalidArgument(`user: ${describe(id)} is no id`)
  }
  return { uid, gid, ...(groups.length > 0 && { additionalGids: groups }) }
}

const mostId = 2 ** 32 - 2

function workingDirectory(here: string, cwd: string | undefined, ownIds: boolean) {
  if (cwd !== undefined) return absolutePath(here, cwd)
  return ownIds && process.geteuid?.() === 0 && !isOpenToOthers(here) ? '/' : undefined
}

/** Whether everybody may pass through a directory and all those above it. */
function isOpenToOthers(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o001) !== 0 && (path === '/' || isOpenToOthers(dirname(path)))
}

/** What a command gets that did not ask for less or more. */
const defaultLimits = { memory: 1 << 30, pids: 512 }

function checkLimits(given: Limits): Limits {
  checkNames('limits', given, ['memory', 'pids', 'cpus'])
  const limits = { ...(process.geteuid?.() === 0 && defaultLimits), ...given }
  const none = (value: number | undefined) => (value === Number.POSITIVE_INFINITY ? undefined : value)
  return checkFinite({ memory: none(limits.memory), pids: none(limits.pids), cpus: none(limits.cpus) })
}

function checkFinite(limits: Limits): Limits {
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
