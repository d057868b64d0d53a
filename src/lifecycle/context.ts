/** What every operation of the lifecycle is given. */
import type { Awaitable, Host } from '../host/host.js'

export interface Context {
  readonly host: Host
  /** Hears what is worth knowing and stops nothing. */
  warn(text: string): Awaitable<void>
  /** Hears what is only worth knowing when something is wrong; the text is not made where nobody listens. */
  debug(text: () => string): Awaitable<void>
}
