/** From a bundle to a launched init: what `create`, `run` and `sandbox` have in common. */
import { GantryError } from '../errors.js'
import type { Caller, ContainerRef, Facts, Launched } from '../host/host.js'
import { planContainer } from '../plan/plan.js'
import type { Activation, Request } from '../plan/request.js'
import { parseSpec } from '../spec/parse.js'
import type { Spec } from '../spec/spec.js'
import type { Context } from './context.js'
import { absolutePath } from './paths.js'
import { undoable } from './warnings.js'

/** What a caller may say of a new container. Paths may be relative to the caller's directory. */
export interface LaunchOptions {
  /** The directory that holds config.json. */
  readonly bundle: string
  /** The file to use in place of the bundle's config.json. */
  readonly config?: string
  readonly pidFile?: string
  /** A pty slave that becomes the container's terminal. */
  readonly console?: string
  /** A socket that gets the master of the container's pty. */
  readonly consoleSocket?: string
  /** A socket that gets a pidfd of init. */
  readonly pidfdSocket?: string
  readonly noPivot?: boolean
  readonly noNewKeyring?: boolean
  readonly preserveFds?: number
  readonly systemdCgroup?: boolean
}

/** What a program that calls us may want, and no command line. */
type Wishes = 'readonlyView' | 'rootIds' | 'overlay' | 'stdio' | 'fds' | 'plainTerminal' | 'idle'

/** How it is launched: what tells `create`, `run --detach` and `run` apart. */
export interface LaunchMode {
  /** Wait for `start` before the program runs. */
  readonly gate: boolean
  /** Nobody of ours stays to look after it. */
  readonly detached: boolean
  /** Where they were asked for already. */
  readonly facts?: Facts
}

/** A configuration and where it came from. */
export interface Bundle {
  /** Absolute. */
  readonly path: string
  readonly spec: Spec
  /** The text that the spec is read from. */
  readonly config: string
}

export async function readBundle(
  { host }: Context,
  { bundle, config: given }: Pick<LaunchOptions, 'bundle' | 'config'>,
): Promise<Bundle> {
  const { cwd } = host.caller
  const path = absolutePath(cwd, bundle)
  const file = given === undefined ? absolutePath(path, 'config.json') : absolutePath(cwd, given)
  const config = await host.readText(file)
  return { path, spec: parseSpec(file, config), config }
}

/** Plans the container and has it launched. */
export async function launch(
  context: Context,
  container: ContainerRef,
  bundle: Bundle,
  options: Omit<LaunchOptions, 'bundle'> & Pick<Partial<Request>, Wishes>,
  mode: LaunchMode,
): Promise<Launched> {
  const { host } = context
  checkTerminal(bundle.spec, options, mode)
  const request = requestOf(host.caller, container, bundle, options, mode)
  const { plan, warnings } = planContainer(bundle.spec, request, mode.facts ?? (await host.facts()))
  for (const warning of warnings) await context.warn(warning)
  await context.debug(() => `plan: ${JSON.stringify(plan, withoutSecrets)}`)
  const launched = await undoable(context, () => host.launch(plan, bundle.config))
  const { unknownCalls } = launched
  if (unknownCalls) await context.debug(() => `linux.seccomp: no such calls here: ${unknownCalls.join(' ')}`)
  return launched
}

/** For JSON.stringify: of the environment only the names. */
export function withoutSecrets(key: string, value: unknown): unknown {
  return key === 'env' && Array.isArray(value) ? value.map((entry) => String(entry).split('=')[0]) : value
}

function requestOf(
  caller: Caller,
  { root, id }: ContainerRef,
  { path, spec }: Bundle,
  options: Omit<LaunchOptions, 'bundle'> & Pick<Partial<Request>, Wishes>,
  { gate }: LaunchMode,
): Request {
  const absolute = (given: string | undefined) => absoluteIfGiven(caller, given)
  return {
    root,
    id,
    bundle: path,
    rootfs: absolutePath(path, spec.root.path),
    created: new Date().toISOString(),
    gate,
    pidFile: absolute(options.pidFile),
    console: absolute(options.console),
    consoleSocket: absolute(options.consoleSocket),
    pidfdSocket: absolute(options.pidfdSocket),
    noPivot: options.noPivot ?? false,
    noNewKeyring: options.noNewKeyring ?? false,
    preserveFds: options.preserveFds ?? 0,
    ...activation(caller),
    notify: notifySocket(caller) !== undefined,
    stdio: options.stdio ?? [0, 1, 2],
    fds: options.fds,
    systemdCgroup: options.systemdCgroup ?? false,
    readonlyView: options.readonlyView ?? false,
    rootIds: options.rootIds,
    overlay: options.overlay,
    plainTerminal: options.plainTerminal,
    idle: options.idle,
  }
}

/** Where the service manager hears from the container: sd_notify(3). */
export function notifySocket({ env }: Caller): string | undefined {
  return env.NOTIFY_SOCKET || undefined
}

/** For paths among the options: they may be relative to the caller's directory. */
export function absoluteIfGiven({ cwd }: Caller, path: string | undefined): string | undefined {
  return path === undefined ? undefined : absolutePath(cwd, path)
}

/** The descriptors that a service manager passed to us, and not to a parent of ours whose environment we have: sd_listen_fds(3). */
export function activation({ env, pid }: Caller): Activation {
  const listenFds = Number(env.LISTEN_FDS ?? '')
  if (env.LISTEN_PID !== String(pid) || !Number.isInteger(listenFds) || listenFds <= 0) return { listenFds: 0 }
  return { listenFds, listenFdNames: env.LISTEN_FDNAMES }
}

/** A terminal has exactly one keeper: us in the foreground, the receiver of its master, or who gave us its slave. */
function checkTerminal({ process }: Spec, options: Omit<LaunchOptions, 'bundle'>, { detached }: LaunchMode): void {
  const terminal = process.terminal ?? false
  if (options.console !== undefined && options.consoleSocket !== undefined) {
    throw invalid('cannot use console and console socket together')
  }
  if (options.console !== undefined && !terminal) {
    throw invalid('cannot use a console if the config has no process.terminal')
  }
  if (options.consoleSocket !== undefined && !(detached && terminal)) {
    throw invalid('cannot use console socket if gantry will not detach or allocate tty')
  }
  if (detached && terminal && options.console === undefined && options.consoleSocket === undefined) {
    throw invalid('cannot allocate tty if gantry will detach without setting console socket')
  }
}

function invalid(text: string): GantryError {
  return new GantryError('ERR_INVALID_ARGUMENT', text)
}
