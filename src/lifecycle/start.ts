/** `start`: lets a created container's init become its program. */
import type { ContainerRef } from '../host/host.js'
import type { Context } from './context.js'
import { notifySocket } from './launch.js'
import { undoable } from './warnings.js'

/** Returns when the program runs; under a service manager, when it says that it is ready or is gone. */
export async function startContainer(context: Context, container: ContainerRef): Promise<void> {
  const { host } = context
  const socket = notifySocket(host.caller)
  const { notifier } = await undoable(context, () => host.start({ ...container, notifySocket: socket }))
  if (notifier === undefined) return
  const { pid } = await host.inspect(container)
  await host.awaitReady({ ...container, notifier, pid })
}
