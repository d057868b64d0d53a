/** `run`: one command in a sandbox of its own, from its start to the last trace of it. */
import { GantryError } from '../errors.js'
import type { ContainerRef, ExitStatus } from '../host/host.js'
import type { Context } from '../lifecycle/context.js'
import { deleteContainer } from '../lifecycle/delete.js'
import { launch } from '../lifecycle/launch.js'
import { absolutePath } from '../lifecycle/paths.js'
import { inSandbox, type SandboxOptions } from '../lifecycle/sandbox.js'
import { checkNames, checkNumber, checkOneOf, checkString, invalidArgument } from './arguments.js'
import { Child } from './child.js'
import { apiContext, guarded, type WarningOptions } from './context.js'
import {
  asBuffer,
  asText,
  type Decode,
  describeEnd,
  type Encoding,
  makeResult,
  type Result,
  RunError,
} from './result.js'
import { Stdio, type StdioOptions, stdioNames } from './stdio.js'
import { Stop, type StopOptions } from './stop.js'

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

/** Limits of all processes of the command together. One that can't be set here is an error. */
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

export interface RunOptions extends StdioOptions, StopOptions, WarningOptions {
  /** `{ host: true }` by default. */
  readonly rootfs?: Rootfs
  /** Where the command runs: by default the current directory, or `/` where `rootfs` is a directory. */
  readonly cwd?: string
  /** All of its environment: nothing of this process's is passed on. PATH is set if it is not here; an undefined one is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly limits?: Limits
  /** `none` by default. */
  readonly network?: Network
  /** `utf8` by default. */
  readonly encoding?: Encoding
  /** Reject with ERR_EXIT unless the command exits with 0. */
  readonly check?: boolean
  /** The directory of the container's record; by default where `gantry sandbox` has its own. */
  readonly root?: string
}

/**
 * Runs a command in a new container, which is gone, with all of its processes, when the promise settles.
 *
 * The promise resolves however the command ends. It rejects with a {@link RunError}, which has the result so far, when `timeout`
 * passed or `signal` was aborted (every process is killed then) or, with `check`, when it failed; with another
 * {@link GantryError} when it could not be started: ERR_EXEC_NOT_FOUND, ERR_EXEC_DENIED, ERR_INVALID_ARGUMENT, …
 *
 * The event loop goes on meanwhile, and nothing about this process changes.
 */
export function run(
  argv: readonly string[],
  options: RunOptions & { readonly encoding: 'buffer' },
): Promise<Result<Buffer>>
export function run(
  argv: readonly string[],
  options?: RunOptions & { readonly encoding?: 'utf8' | undefined },
): Promise<Result>
export function run(argv: readonly string[], options?: RunOptions): Promise<Result<string | Buffer>>
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Result<string | Buffer>> {
  return guarded<Result<string | Buffer>>(() =>
    options?.encoding === 'buffer' ? carryOut(argv, options, asBuffer) : carryOut(argv, options, asText),
  )
}

async function carryOut<T extends string | Buffer>(
  argv: readonly string[],
  options: RunOptions,
  decode: Decode<T>,
): Promise<Result<T>> {
  const began = performance.now()
  checkNames('options', options, optionNames)
  const context = apiContext(options)
  const sandbox = sandboxOptions(argv, options, context.host.caller.cwd)
  const stop = new Stop(options)
  try {
    if (stop.reason !== undefined) throw stopped(argv, stop, neverRan(began, decode))
    const stdio = new Stdio(context.host, options)
    try {
      const child = new Child(context)
      const container = await start(child.context, sandbox, stdio)
      const status = await untilGone(child, container, stop, stdio)
      const timedOut = stop.reason === 'timeout'
      const result = makeResult(status, await stdio.drain(), decode, {
        durationMs: performance.now() - began,
        timedOut,
      })
      if (stop.reason !== undefined) throw stopped(argv, stop, result)
      if (options.check && !result.ok) throw new RunError('ERR_EXIT', `${argv[0]} ${describeEnd(result)}`, result)
      return result
    } finally {
      await stdio.close()
    }
  } finally {
    stop.release()
  }
}

async function start(context: Context, options: SandboxOptions, { descriptors: stdio }: Stdio): Promise<ContainerRef> {
  return await inSandbox(context, options, async ({ container, bundle, readonlyView, facts }) => {
    await launch(context, container, bundle, { readonlyView, stdio }, { gate: false, detached: false, facts })
    return container
  })
}

/** Waits for the end of the command or of our patience, and then for the container's. */
async function untilGone(child: Child, container: ContainerRef, stop: Stop, stdio: Stdio): Promise<ExitStatus> {
  try {
    await stdio.handOver()
    await Promise.race([child.ended, stop.requested])
  } finally {
    // Kills what is left of it, and returns when that is gone.
    await deleteContainer(child.context.host, container, true)
  }
  return await child.ended
}

function stopped(argv: readonly string[], stop: Stop, result: Result<string | Buffer>): RunError {
  const why = stop.reason === 'timeout' ? 'did not end in time' : 'was aborted'
  const code = stop.reason === 'timeout' ? 'ERR_TIMEOUT' : 'ERR_ABORTED'
  return new RunError(code, `${argv[0]} ${why}`, result, stop.reason === 'abort' ? stop.abortReason : undefined)
}

function neverRan<T extends string | Buffer>(began: number, decode: Decode<T>): Result<T> {
  const empty = { bytes: Buffer.alloc(0), truncated: false }
  return makeResult({}, { stdout: empty, stderr: empty }, decode, { durationMs: performance.now() - began })
}

const optionNames = [
  ...stdioNames,
  'timeout',
  'signal',
  'onWarning',
  'rootfs',
  'cwd',
  'env',
  'limits',
  'network',
  'encoding',
  'check',
  'root',
] as const satisfies readonly (keyof RunOptions)[]

function sandboxOptions(argv: readonly string[], options: RunOptions, here: string): SandboxOptions {
  const { rootfs = { host: true }, cwd, env = {}, limits = {}, network = 'none', encoding, root } = options
  if (!Array.isArray(argv) || argv.length === 0 || argv.some((word) => typeof word !== 'string')) {
    throw invalidArgument('argv: expected a list of strings that starts with the program')
  }
  checkString('cwd', cwd)
  checkString('root', root)
  checkOneOf('network', network, ['none', 'host'])
  checkOneOf('encoding', encoding, ['utf8', 'buffer'])
  checkLimits(limits)
  const directory = directoryOf(rootfs)
  return {
    args: [...argv],
    env: environment(env),
    network,
    ...limits,
    rootfs: directory,
    writable: rootfs.writable ?? [],
    cwd: cwd === undefined || directory !== undefined ? cwd : absolutePath(here, cwd),
    root,
  }
}

function checkLimits(limits: Limits): void {
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

function environment(env: NonNullable<RunOptions['env']>): string[] {
  if (typeof env !== 'object' || env === null) throw invalidArgument('env: expected an object')
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (name === '' || name.includes('=')) throw invalidArgument(`env: "${name}" can't be the name of a variable`)
    if (typeof value !== 'string') throw invalidArgument(`env.${name}: expected a string`)
    return [`${name}=${value}`]
  })
}
