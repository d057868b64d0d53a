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
    if (step !== 'delete container' || number !== errno.EBUSY) throw error
    const text = `cannot delete container ${container.id} that is not stopped: ${error.object}`
    const hint = 'delete --force kills it first'
    throw new GantryError('ERR_NOT_STOPPED', text, { step, errno: number, hint, cause: error })
  }
}
