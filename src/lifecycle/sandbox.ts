/** `sandbox`: a command with no bundle and no image, on a read-only view of this machine or on a directory. */
import { GantryError } from '../errors.js'
import { type ContainerRef, type ExitStatus, type Facts, type Host, HostFailure } from '../host/host.js'
import { CAP_SYS_ADMIN } from '../plan/capabilities.js'
import { type SandboxOptions as SpecOptions, sandboxSpec } from '../spec/sandbox.js'
import type { Context } from './context.js'
import { type IdRanges, singleIds, subordinateIds } from './id-ranges.js'
import { absolutePath } from './paths.js'
import { containersRoot } from './root.js'
import { runBundle } from './run.js'

/** Paths may be relative to the caller's directory. */
export interface SandboxOptions extends Omit<SpecOptions, 'cwd' | 'userNamespace'> {
  /** Where the command runs: by default the caller's own directory, or `/` in another root. */
  readonly cwd?: string
  /** The directory of the records, if not the default one. */
  readonly root?: string
}

/** Runs the command and gives how it ended; nothing of the sandbox is left. */
export async function runSandbox(context: Context, options: SandboxOptions): Promise<ExitStatus | undefined> {
  const { host } = context
  const facts = await host.facts()
  const container = { root: await sandboxRoot(host, facts, options.root), id: newId(host) }
  if (facts.capabilities.includes(CAP_SYS_ADMIN)) return await runWith(context, container, options)
  const ranges = await subordinateIds(host, facts)
  if (ranges !== undefined) {
    try {
      return await runWith(context, container, options, ranges)
    } catch (error) {
      // Without the helpers, or where they refuse, one id has to do.
      if (!(error instanceof HostFailure) || !/new[ug]idmap/.test(`${error.step} ${error.object}`)) throw error
      await context.warn(`only one user id is mapped: ${error.step} ${error.object}`)
    }
  }
  return await runWith(context, container, options, singleIds(facts))
}

async function runWith(
  context: Context,
  container: ContainerRef,
  options: SandboxOptions,
  userNamespace?: IdRanges,
): Promise<ExitStatus | undefined> {
  const { cwd: here } = context.host.caller
  const absolute = (path: string) => absolutePath(here, path)
  const { spec, readonlyView } = sandboxSpec({
    ...options,
    cwd: options.cwd ?? (options.rootfs === undefined ? here : '/'),
    rootfs: options.rootfs === undefined ? undefined : absolute(options.rootfs),
    writable: options.writable.map(absolute),
    userNamespace,
  })
  return await runBundle(context, container, { path: here, spec }, { readonlyView })
}

/** The records of sandboxes lie apart from those of containers: nobody but us has a use for them. */
async function sandboxRoot(host: Host, { euid }: Facts, given: string | undefined): Promise<string> {
  const root = await containersRoot(host, given)
  if (given !== undefined) return root.path
  if (euid === 0 || host.caller.env.XDG_RUNTIME_DIR) return `${root.path}-sandbox`
  if (await host.isDirectory(`/run/user/${euid}`)) return `/run/user/${euid}/gantry-sandbox`
  const { HOME } = host.caller.env
  if (HOME?.startsWith('/')) return `${HOME}/.gantry-sandbox`
  throw new GantryError('ERR_PERMISSION', 'no place for records: set XDG_RUNTIME_DIR or HOME, or give --root')
}

function newId({ caller }: Host): string {
  return `sandbox-${caller.pid}-${Date.now().toString(36)}`
}
