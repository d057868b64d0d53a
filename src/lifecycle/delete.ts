/** `delete`: all that is left of a container goes. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type Awaitable, type ContainerRef, type Destroyed, HostFailure } from '../host/host.js'
import { type Stats, summarize } from '../stats/summary.js'
import type { Context } from './context.js'
import { tellWarnings } from './warnings.js'

/** With `force`, its processes are killed, and a container that does not exist is no error. */
export async function deleteContainer(context: Context, container: ContainerRef, force: boolean): Promise<void> {
  await finishDeletion(context, container, force, () => context.host.destroy({ ...container, force }))
}

/** The same where the host is at it, or is to be. Gives what the container had used, if that was asked for. */
export async function finishDeletion(
  context: Context,
  container: ContainerRef,
  force: boolean,
  destroy: () => Awaitable<Destroyed>,
): Promise<Stats | undefined> {
  try {
    const { warnings, cgroup } = await destroy()
    await tellWarnings(context, warnings)
    return cgroup && summarize(cgroup)
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error
    const { step, errno: number } = error
    if (force && step === 'find container' && number === errno.ENOENT) return undefined
    if (step !== 'delete container' || number !== errno.EBUSY) throw error
    const text = `cannot delete container ${container.id} that is not stopped: ${error.object}`
    const hint = 'delete --force kills it first'
    throw new GantryError('ERR_NOT_STOPPED', text, { step, errno: number, hint, cause: error })
  }
}
