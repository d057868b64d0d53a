/** `create`: a container whose init waits at the gate for `start`. */
import type { ContainerRef } from '../host/host.js'
import type { Context } from './context.js'
import { type LaunchOptions, launch, readBundle } from './launch.js'

/** Gives the host pid of the container's init. After an error nothing is left. */
export async function createContainer(
  context: Context,
  container: ContainerRef,
  options: LaunchOptions,
): Promise<number> {
  const bundle = await readBundle(context, options)
  const { pid, pidfd } = await launch(context, container, bundle, options, { gate: true, detached: true })
  await context.host.close(pidfd)
  return pid
}
