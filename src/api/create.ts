/** Containers from OCI bundles: `create`, `open`, `list`. */
import { randomUUID } from 'node:crypto'
import type { Context } from '../lifecycle/context.js'
import { containerRef } from '../lifecycle/id.js'
import { type Bundle, launch, readBundle } from '../lifecycle/launch.js'
import { listContainers } from '../lifecycle/list.js'
import { absolutePath } from '../lifecycle/paths.js'
import { containersRoot } from '../lifecycle/root.js'
import type { State } from '../lifecycle/state.js'
import { writeJson } from '../spec/json.js'
import { checkSpec } from '../spec/parse.js'
import type { Spec } from '../spec/spec.js'
import {
  checkBoolean,
  checkNames,
  checkOneOf,
  checkString,
  invalidArgument,
  reading,
  readOptions,
} from './arguments.js'
import { Child, type LifetimeOptions } from './child.js'
import { type Container, CreatedContainer, OpenedContainer } from './container.js'
import { apiContext, guarded, type WarningOptions } from './context.js'
import { asBuffer, asText, type Decode, type Encoding } from './result.js'
import { Stdio, type StdioOptions, stdioNames } from './stdio.js'
import { inTurn } from './turns.js'

export interface RootOptions {
  /** The directory of the containers' records: by default the same as of the command line, /run/gantry for root. */
  readonly root?: string
}

export interface CreateOptions extends RootOptions, StdioOptions, WarningOptions, LifetimeOptions {
  /** Letters, digits and `_+-.`, unique in the root; by default a random one. */
  readonly id?: string
  /** Of the result's streams; `utf8` by default. */
  readonly encoding?: Encoding
}

/** In place of a bundle: nothing has to be written to a file. */
export interface Configuration {
  /** As config.json has it; its `root.path` is not used. */
  readonly spec: Spec
  /** The directory that is the root file system; a relative one starts at the current directory. */
  readonly rootfs: string
}

/**
 * Creates a container from a bundle, a directory with config.json, or from a configuration and a directory for its root. Its program waits for {@link Container.start}. Its streams are
 * buffered for {@link Container.wait} unless the options say otherwise.
 *
 * It stays until `destroy`, which `await using` does by itself, or until this process ends, and keeps the event loop alive until its
 * init has ended. A `detached` one outlives the process.
 */
export function create(
  bundle: string | Configuration,
  options: CreateOptions & { readonly encoding: 'buffer' },
): Promise<Container<Buffer>>
export function create(
  bundle: string | Configuration,
  options?: CreateOptions & { readonly encoding?: 'utf8' | undefined },
): Promise<Container>
export function create(bundle: string | Configuration, options?: CreateOptions): Promise<Container<string | Buffer>>
export function create(bundle: string | Configuration, given: CreateOptions = {}): Promise<Container<string | Buffer>> {
  return guarded<Container<string | Buffer>>(async () => {
    const options = readOptions(given, [...stdioNames, 'root', 'id', 'encoding', 'onWarning', 'detached'])
    return await inTurn<Container<string | Buffer>>(() =>
      options.encoding === 'buffer' ? createWith(bundle, options, asBuffer) : createWith(bundle, options, asText),
    )
  })
}

/** A container that is there already, whoever created it. */
export function open(id: string, options: RootOptions = {}): Promise<Container> {
  return guarded(async () => {
    const { root } = readOptions(options, ['root'])
    checkString('id', id)
    if (typeof id !== 'string') throw invalidArgument('id: expected a string')
    const context = apiContext()
    const ref = containerRef(await rootPath(context, { root }), id)
    const { pid } = await context.host.inspect(ref)
    return new OpenedContainer(context, ref, pid)
  })
}

/** The containers of a root, in the order of their ids. One whose record can't be read is told to `onWarning` and left out. */
export function list(given: RootOptions & WarningOptions = {}): Promise<State[]> {
  return guarded(async () => {
    const options = readOptions(given, ['root', 'onWarning'])
    checkString('root', options.root)
    const context = apiContext(options)
    const { containers, problems } = await listContainers(
      context.host,
      await containersRoot(context.host, options.root),
    )
    for (const problem of problems) await context.warn(problem)
    return [...containers]
  })
}

async function rootPath({ host }: Context, { root }: RootOptions): Promise<string> {
  checkString('root', root)
  return (await containersRoot(host, root)).path
}

async function createWith<T extends string | Buffer>(
  source: string | Configuration,
  options: CreateOptions,
  decode: Decode<T>,
): Promise<Container<T>> {
  const { id = `gantry-${randomUUID()}`, encoding } = options
  checkString('id', id)
  checkOneOf('encoding', encoding, ['utf8', 'buffer'])
  checkBoolean('detached', options.detached)
  const context = apiContext(options)
  const ref = containerRef(await rootPath(context, options), id)
  const bundle = typeof source === 'string' ? await readBundle(context, { bundle: source }) : bundleOf(context, source)
  const { terminal = false, consoleSize: size } = bundle.spec.process
  if (options.tty && !terminal) throw invalidArgument('tty: the config has no process.terminal')
  const tty = terminal && (options.tty ?? (size === undefined || { columns: size.width, rows: size.height }))
  const stdio = reading('a stream', () => new Stdio({ ...options, tty }))
  const child = new Child(context, options)
  let container: CreatedContainer<T> | undefined
  try {
    const mode = { gate: true, detached: false }
    const { pid, console } = await launch(
      child.context,
      ref,
      bundle,
      { stdio: stdio.descriptors, fds: stdio.fds, plainTerminal: true },
      mode,
    )
    container = new CreatedContainer(child, ref, pid, stdio, decode)
    if (console !== undefined) stdio.terminal?.join(child.number, console)
    stdio.handOver()
    return container
  } catch (error) {
    await container?.destroy()
    await stdio.close()
    throw error
  }
}

/** A configuration as a bundle: where we are is what its relative paths start at. */
function bundleOf({ host }: Context, source: Configuration): Bundle {
  return reading('bundle', () => {
    if (typeof source !== 'object' || source === null) {
      throw invalidArgument('bundle: expected the path of a directory, or { spec, rootfs }')
    }
    checkNames('bundle', source, ['spec', 'rootfs'])
    const { spec: given, rootfs } = source
    if (typeof rootfs !== 'string' || rootfs === '') throw invalidArgument('rootfs: expected the path of a directory')
    // A copy: what was checked is what is used.
    const document: unknown = structuredClone(given)
    const root = typeof document === 'object' && document !== null && 'root' in document ? document.root : undefined
    const own = { ...(typeof root === 'object' ? root : undefined), path: absolutePath(host.caller.cwd, rootfs) }
    const spec = checkSpec('spec', typeof document === 'object' ? { ...document, root: own } : document)
    return { path: host.caller.cwd, spec, config: writeJson(spec) }
  })
}
