/** `delete`: all that is left of a container goes. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type ContainerRef, type Host, HostFailure } from '../host/host.js'

/** With `force`, its processes are killed, and a container that does not exist is no error. */
export async function deleteContainer(host: Host, container: ContainerRef, force: boolean): Promise<void> {
  try {
    await host.destroy({ ...container, force })
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error
    const { step, errno: number } = error
    if (force && step === 'find container' && number === errno.ENOENT) return
    if (step === 'delete container' && number === errno.EBUSY) throw await notStopped(host, container, error)
    throw error
  }
}

async function notStopped(host: Host, container: ContainerRef, cause: HostFailure): Promise<GantryError> {
  const { status } = await host.inspect(container)
  return new GantryError('ERR_NOT_STOPPED', `cannot delete container ${container.id} that is not stopped: ${status}`, {
    step: cause.step,
    errno: cause.errno,
    hint: 'delete --force kills it first',
    cause,
  })
}
