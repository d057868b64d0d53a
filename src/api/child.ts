/** Waiting for a container's init that this process launched. */
import type { ContainerRef, ExitStatus, Host, Launched } from '../host/host.js'

/**
 * How init ends. It is reaped from now on, whether anybody waits or not, by its pidfd: Node's own children stay Node's. No signal
 * is forwarded, no orphan adopted: that would change this process. A failure that nobody looks at is none.
 */
export function awaitInit(host: Host, container: ContainerRef, { pid, pidfd }: Launched): Promise<ExitStatus> {
  const ended = Promise.resolve(host.supervise({ ...container, pid, pidfd, subreaper: false, forwardSignals: false }))
  ended.catch(() => undefined)
  return ended
}
