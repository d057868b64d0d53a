/** `pause` and `resume`: all processes of a container stand still, and go on. */
import type { ContainerRef, Host } from '../host/host.js'

/** Returns when they stand still. */
export async function pauseContainer(host: Host, container: ContainerRef): Promise<void> {
  await host.freeze(container)
}

export async function resumeContainer(host: Host, container: ContainerRef): Promise<void> {
  await host.thaw(container)
}
