/** `start`: lets a created container's init become its program. */
import type { ContainerRef } from '../host/host.js'
import type { Context } from './context.js'
import { notifySocket } from './launch.js'

/** Returns when the program runs; under a service manager, when it says that it is ready or is gone. */
export async function startContainer({ host }: Context, container: ContainerRef): Promise<void> {
  const socket = notifySocket(host.caller)
  const { notifier } = await host.start({ ...container, notifySocket: socket })
  if (notifier === undefined) return
  const { pid } = await host.inspect(container)
  await host.awaitReady({ ...container, notifier, pid })
}
