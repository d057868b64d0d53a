/** `run`: create, start, and in the foreground wait and delete. */
import type { ContainerRef, ExitStatus, Facts, Launched } from '../host/host.js'
import type { SandboxRoot } from '../spec/sandbox.js'
import type { Context } from './context.js'
import { deleteContainer } from './delete.js'
import { type Bundle, type LaunchOptions, launch, notifySocket, readBundle } from './launch.js'
import { undoable } from './warnings.js'

export interface RunOptions extends LaunchOptions {
  /** Return once the program runs; the container stays. */
  readonly detach?: boolean
  /** Leave the container when its program has ended. */
  readonly keep?: boolean
  /** Leave orphans of the container to somebody else. */
  readonly noSubreaper?: boolean
}

/** How the program ended; nothing when it is detached. After an error nothing is left. */
export async function runContainer(
  context: Context,
  container: ContainerRef,
  options: RunOptions,
): Promise<ExitStatus | undefined> {
  return await runBundle(context, container, await readBundle(context, options), options)
}

/** The same for a configuration that is there already. */
export async function runBundle(
  context: Context,
  container: ContainerRef,
  bundle: Bundle,
  options: Omit<RunOptions, 'bundle'> & Partial<SandboxRoot>,
  facts?: Facts,
): Promise<ExitStatus | undefined> {
  const { host } = context
  const detached = options.detach ?? false
  const socket = notifySocket(host.caller)
  // Its sd_notify socket has to be there before the program is: only then the start is a step of its own.
  const gate = socket !== undefined
  const launched = await launch(context, container, bundle, options, { gate, detached, facts })
  let status: ExitStatus | undefined
  try {
    const { notifier } = gate ? await undoable(context, () => host.start({ ...container, notifySocket: socket })) : {}
    if (detached) await letGo(context, container, launched, notifier)
    else {
      const subreaper = !options.noSubreaper
      status = await host.supervise({ ...container, ...launched, notifier, subreaper, forwardSignals: true })
    }
  } catch (error) {
    await deleteContainer(context, container, true)
    throw error
  }
  if (!detached && !options.keep) await deleteContainer(context, container, true)
  return status
}

async function letGo(
  { host }: Context,
  container: ContainerRef,
  { pid, pidfd }: Launched,
  notifier?: number,
): Promise<void> {
  if (notifier !== undefined) await host.awaitReady({ ...container, notifier, pid })
  await host.close(pidfd)
}
