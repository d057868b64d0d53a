/** What goes wrong while a container is removed and does not stop that: its hooks poststop. */
import { failureText } from '../errors.js'
import { type Awaitable, HostFailure } from '../host/host.js'
import type { Failure } from '../host/plan.js'
import type { Context } from './context.js'

export async function tellWarnings(context: Context, failures: readonly Failure[]): Promise<void> {
  for (const failure of failures) await context.warn(failureText(failure))
}

/** Has the host do what removes the container when it fails. */
export async function undoable<T>(context: Context, act: () => Awaitable<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof HostFailure) await tellWarnings(context, error.warnings)
    throw error
  }
}
