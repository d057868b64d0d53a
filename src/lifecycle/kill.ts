/** `kill`: a signal to a container. */
import { errno } from '../errno.js'
import { type ContainerRef, type Host, HostFailure } from '../host/host.js'
import { signalNumber } from './signals.js'

/** With `all`, to each of its processes, and then it is no error that there are none. */
export async function killContainer(host: Host, container: ContainerRef, signal: string, all: boolean): Promise<void> {
  try {
    await host.signal({ ...container, signal: signalNumber(signal), all })
  } catch (error) {
    const stopped = error instanceof HostFailure && error.step === 'signal container' && error.errno === errno.ESRCH
    if (!(all && stopped)) throw error
  }
}
