/** `exec`: another process in a container that is there. */
import { GantryError } from '../errors.js'
import { type ContainerRef, type ExitStatus, type Host, HostFailure, type Launched, savedConfig } from '../host/host.js'
import { type ExecRequest, planExec } from '../plan/exec.js'
import { parseProcess, parseSaved } from '../spec/process.js'
import type { Capabilities, Process, ProcessSpec } from '../spec/spec.js'
import type { Context } from './context.js'
import { absoluteIfGiven, activation, withoutSecrets } from './launch.js'
import { absolutePath } from './paths.js'

/** What a caller may say of the process. What is not said is as the container's own process has it, but for the terminal. */
export interface ProcessOptions {
  /** A file with a whole process section, in place of the container's. Then `args` may be left out. */
  readonly process?: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** `NAME=value`, added to the others. */
  readonly env?: readonly string[]
  /** Without `gid`, that stays. */
  readonly user?: { readonly uid: number; readonly gid?: number }
  /** Added to the others. */
  readonly additionalGids?: readonly number[]
  /** Names, added to the bounding, effective and permitted ones; to the ambient ones where the container has inheritable ones. */
  readonly capabilities?: readonly string[]
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly terminal?: boolean
  readonly consoleSize?: Process['consoleSize']
}

/** Paths may be relative to the caller's directory. */
export interface ExecOptions extends ProcessOptions {
  readonly detach?: boolean
  readonly ignorePaused?: boolean
  /** Where below the container's cgroup, `[CONTROLLER[,CONTROLLER]:]PATH` each. */
  readonly cgroups?: readonly string[]
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly pidfdSocket?: string
  readonly preserveFds?: number
  /** Leave orphans of the container to somebody else. */
  readonly noSubreaper?: boolean
  /** Descriptors that become 0, 1 and 2. */
  readonly stdio?: ExecRequest['stdio']
  /** Descriptors that it gets after those. */
  readonly fds?: readonly number[]
  /** The terminal's master is a stream of the caller's. */
  readonly plainTerminal?: boolean
}

/** How the program ended; nothing when it is detached. */
export async function execInContainer(
  context: Context,
  container: ContainerRef,
  options: ExecOptions,
): Promise<ExitStatus | undefined> {
  const { host } = context
  const { detach = false, noSubreaper = false } = options
  const launched = await startExec(context, container, options)
  if (!detach) {
    return await host.supervise({ ...container, ...launched, subreaper: !noSubreaper, forwardSignals: true })
  }
  await host.close(launched.pidfd)
  return undefined
}

/** Returns when the process has become its program. It is our child, for `supervise`; after an error there is none. */
export async function startExec(context: Context, container: ContainerRef, options: ExecOptions): Promise<Launched> {
  const { host } = context
  const config = await containerConfig(context, container)
  const process = await processOf(context, config, options)
  checkTerminal(process, options)
  const request = requestOf(context, container, options)
  const facts = await host.facts(request.cgroups.length > 0)
  const { plan, warnings } = planExec({ ...config, process }, request, facts)
  for (const warning of warnings) await context.warn(warning)
  await context.debug(() => `plan: ${JSON.stringify(plan, withoutSecrets)}`)
  return await host.exec(plan)
}

/** The configuration that the container was made from. Fails like `inspect` where there is no container. */
export async function containerConfig({ host }: Context, container: ContainerRef): Promise<ProcessSpec> {
  const file = savedConfig(container)
  try {
    return parseSaved(file, await host.readText(file))
  } catch (error) {
    if (error instanceof HostFailure) await host.inspect(container)
    throw error
  }
}

/** The process section: the container's own or that of a file, with what the options change about it. */
async function processOf({ host }: Context, config: ProcessSpec, options: ProcessOptions): Promise<Process> {
  const { args, cwd, env = [], user, additionalGids = [], capabilities = [], noNewPrivileges, terminal } = options
  const { apparmorProfile, selinuxLabel } = options
  if (cwd !== undefined && !cwd.startsWith('/')) throw invalid(`Cwd must be an absolute path: ${cwd}`)
  const base = options.process === undefined ? ofContainer(config, args) : await ofFile(host, options.process, args)
  return {
    ...base,
    ...(cwd !== undefined && { cwd }),
    env: [...(base.env ?? []), ...env],
    user: { ...base.user, ...user, additionalGids: [...(base.user.additionalGids ?? []), ...additionalGids] },
    ...(capabilities.length > 0 && { capabilities: withCapabilities(base.capabilities, capabilities) }),
    ...(noNewPrivileges && { noNewPrivileges }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
    ...(terminal !== undefined && { terminal }),
    ...(options.consoleSize && { consoleSize: options.consoleSize }),
  }
}

/** The container's terminal says nothing about this process. */
function ofContainer({ process }: ProcessSpec, args: readonly string[]): Process {
  if (args.length === 0) throw invalid('process args cannot be empty')
  return { ...process, args, terminal: false }
}

async function ofFile({ caller, readText }: Host, path: string, args: readonly string[]): Promise<Process> {
  if (args.length > 0) throw invalid('cannot use a command and --process together')
  const file = absolutePath(caller.cwd, path)
  return parseProcess(file, await readText(file))
}

/** None is made inheritable, and so none ambient either where there are no inheritable ones (CVE-2022-29162). */
function withCapabilities(base: Capabilities = {}, added: readonly string[]): Capabilities {
  const add = (names: readonly string[] = []) => [...names, ...added]
  const { bounding, effective, permitted, inheritable, ambient } = base
  return {
    bounding: add(bounding),
    effective: add(effective),
    permitted: add(permitted),
    ...(inheritable && { inheritable, ambient: add(ambient) }),
  }
}

function requestOf({ host: { caller } }: Context, { root, id }: ContainerRef, options: ExecOptions): ExecRequest {
  return {
    root,
    id,
    ignorePaused: options.ignorePaused ?? false,
    cgroups: options.cgroups ?? [],
    pidFile: absoluteIfGiven(caller, options.pidFile),
    consoleSocket: absoluteIfGiven(caller, options.consoleSocket),
    pidfdSocket: absoluteIfGiven(caller, options.pidfdSocket),
    preserveFds: options.preserveFds ?? 0,
    ...activation(caller),
    stdio: options.stdio ?? [0, 1, 2],
    fds: options.fds,
    plainTerminal: options.plainTerminal,
  }
}

/** A terminal has exactly one keeper: us in the foreground, or the receiver of its master. */
function checkTerminal({ terminal = false }: Process, { detach = false, consoleSocket }: ExecOptions): void {
  if (consoleSocket !== undefined && !(detach && terminal)) {
    throw invalid('cannot use console socket if gantry will not detach or allocate tty')
  }
  if (detach && terminal && consoleSocket === undefined) {
    throw invalid('cannot allocate tty if gantry will detach without setting console socket')
  }
}

function invalid(text: string): GantryError {
  return new GantryError('ERR_INVALID_ARGUMENT', text)
}
