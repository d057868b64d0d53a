/** What every operation of the lifecycle is given. */
import type { Awaitable, Host } from '../host/host.js'

export interface Context {
  readonly host: Host
  /** Hears what is worth knowing and stops nothing. */
  warn(text: string): Awaitable<void>
}
