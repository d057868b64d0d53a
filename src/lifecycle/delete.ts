/** `delete`: all that is left of a container goes. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type ContainerRef, HostFailure } from '../host/host.js'
import type { Context } from './context.js'
import { tellWarnings } from './warnings.js'

/** With `force`, its processes are killed, and a container that does not exist is no error. */
export async function deleteContainer(context: Context, container: ContainerRef, force: boolean): Promise<void> {
  try {
    const { warnings } = await context.host.destroy({ ...container, force })
    await tellWarnings(context, warnings)
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
