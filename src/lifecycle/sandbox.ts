/** `sandbox`: a command with no bundle and no image, on a read-only view of this machine or on a directory. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type ContainerRef, type ExitStatus, type Facts, type Host, HostFailure } from '../host/host.js'
import { CAP_SYS_ADMIN } from '../plan/capabilities.js'
import { writeJson } from '../spec/json.js'
import { type SandboxRoot, type SandboxOptions as SpecOptions, sandboxSpec } from '../spec/sandbox.js'
import type { Context } from './context.js'
import { containerRef } from './id.js'
import { type IdRanges, ownIds, singleIds, subordinateIds } from './id-ranges.js'
import type { Bundle } from './launch.js'
import { absolutePath } from './paths.js'
import { containersRoot } from './root.js'
import { runBundle } from './run.js'

/** Paths may be relative to the caller's directory. */
export interface SandboxOptions extends Omit<SpecOptions, 'cwd' | 'userNamespace' | 'network'> {
  readonly network: 'none' | 'host' | Join
  /** Where the command runs: by default the caller's own directory, or `/` in another root. */
  readonly cwd?: string
  /** The real root's sandbox gets ids of its own too. */
  readonly ownIds?: boolean
  /** The directory of the records, if not the default one. */
  readonly root?: string
}

/** Whose network a sandbox shares: a container's, by its id or all that names it; a process's, by its pid; or what a file refers to. */
export interface Join {
  readonly join: ContainerRef | { readonly id: string } | { readonly pid: number } | { readonly path: string }
}

/** Runs the command and gives how it ended; nothing of the sandbox is left. */
export async function runSandbox(context: Context, options: SandboxOptions): Promise<ExitStatus | undefined> {
  return await inSandbox(context, options, ({ container, bundle, root, facts }) =>
    runBundle(context, container, bundle, root, facts),
  )
}

/** A sandbox as a container to be. */
export interface PlannedSandbox {
  readonly container: ContainerRef
  readonly bundle: Bundle
  readonly root: SandboxRoot
  readonly facts: Facts
}

/** Has a sandbox carried out: a second time, with a single id, where the helpers that map more refuse. */
export async function inSandbox<T>(
  context: Context,
  options: SandboxOptions,
  carryOut: (sandbox: PlannedSandbox) => Promise<T>,
): Promise<T> {
  const { host } = context
  const facts = await host.facts()
  const container = { root: await sandboxRoot(host, facts, options.root), id: newId(host) }
  const cwd = await workingDirectory(host, options)
  const network = await networkOf(host, facts, container.root, options)
  const attempt = (userNamespace?: IdRanges) =>
    carryOut({ container, facts, ...sandboxBundle(host.caller.cwd, { ...options, cwd, network }, userNamespace) })
  if (facts.capabilities.includes(CAP_SYS_ADMIN)) {
    const apart = options.ownIds && !facts.inUserNamespace
    return await attempt(apart ? ownIds() : undefined)
  }
  const ranges = await subordinateIds(host, facts)
  if (ranges !== undefined) {
    try {
      return await attempt(ranges)
    } catch (error) {
      // Without the helpers, or where they refuse, one id has to do.
      if (!(error instanceof HostFailure) || !/new[ug]idmap/.test(`${error.step} ${error.object}`)) throw error
      await context.warn(`only one user id is mapped: ${error.step} ${error.object}`)
    }
  }
  return await attempt(singleIds(facts))
}

/** Absolute. A directory of this machine that is missing would be made, which a config.json may mean and who types a path does not. */
async function workingDirectory(host: Host, { cwd, rootfs }: SandboxOptions): Promise<string> {
  if (rootfs !== undefined) return absolutePath('/', cwd ?? '.')
  const path = absolutePath(host.caller.cwd, cwd ?? '.')
  if (cwd === undefined || (await host.isDirectory(path))) return path
  throw new GantryError('ERR_INVALID_ARGUMENT', `cannot chdir to ${path}: no such directory`, { path })
}

async function networkOf(
  host: Host,
  facts: Facts,
  root: string,
  { network, root: given }: SandboxOptions,
): Promise<SpecOptions['network']> {
  if (typeof network === 'string') return network
  if (!facts.capabilities.includes(CAP_SYS_ADMIN)) {
    throw new GantryError('ERR_PERMISSION', `user ${facts.euid} may not join a network: that takes CAP_SYS_ADMIN`)
  }
  const { join } = network
  if ('path' in join) return { join: absolutePath(host.caller.cwd, join.path) }
  if ('pid' in join) return { join: `/proc/${join.pid}/ns/net` }
  const { pid } = await host.inspect('root' in join ? join : await refOf(host, [root, given], join.id))
  if (pid === 0) throw new GantryError('ERR_NOT_RUNNING', `container ${join.id} has ended: there is no network to join`)
  return { join: `/proc/${pid}/ns/net` }
}

/** Where the container of that id is: among the sandboxes, or else among the containers. */
async function refOf(
  host: Host,
  [root, given]: readonly [string, string | undefined],
  id: string,
): Promise<ContainerRef> {
  const ref = containerRef(root, id)
  try {
    await host.inspect(ref)
    return ref
  } catch (error) {
    if (!(error instanceof HostFailure) || error.errno !== errno.ENOENT) throw error
    return { ...ref, root: (await containersRoot(host, given)).path }
  }
}

function sandboxBundle(
  here: string,
  options: Omit<SandboxOptions, 'network'> & Pick<SpecOptions, 'cwd' | 'network'>,
  userNamespace?: IdRanges,
): Pick<PlannedSandbox, 'bundle' | 'root'> {
  const absolute = (path: string) => absolutePath(here, path)
  const { spec, root } = sandboxSpec({
    ...options,
    rootfs: options.rootfs === undefined ? undefined : absolute(options.rootfs),
    overlay: typeof options.overlay === 'string' ? absolute(options.overlay) : options.overlay,
    writable: options.writable.map(absolute),
    userNamespace,
  })
  return { bundle: { path: here, spec, config: writeJson(spec) }, root }
}

/**
 * The records of sandboxes lie apart from those of containers: nobody but us has a use for them. A user without a directory
 * for such things gets one in /tmp itself, whose sticky bit keeps others from it, and whose name nobody can take before.
 */
async function sandboxRoot(host: Host, { euid }: Facts, given: string | undefined): Promise<string> {
  const root = await containersRoot(host, given)
  if (given !== undefined) return root.path
  if (euid === 0 || host.caller.env.XDG_RUNTIME_DIR) return `${root.path}-sandbox`
  return (await host.isDirectory(`/run/user/${euid}`)) ? `/run/user/${euid}/gantry-sandbox` : '/tmp'
}

function newId({ caller }: Host): string {
  return `gantry-sandbox-${caller.pid}-${Math.random().toString(36).slice(2)}`
}
