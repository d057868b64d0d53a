/** What the calls of the API work on: the host as a library has it, and its failures as errors of ours. */
import { toGantryError } from '../errors.js'
import type { Host } from '../host/host.js'
import { nodeHost, process } from '../host/node.js'
import type { Context } from '../lifecycle/context.js'

export interface WarningOptions {
  /** Hears, in a line, of what was left out of a container: a capability that can't be granted, a record that can't be read. */
  readonly onWarning?: (text: string) => void
}

let loaded: Host | undefined

/**
 * The context of one call. Of this process's environment only what places the records counts: that a service manager
 * started it (NOTIFY_SOCKET, LISTEN_FDS) is its own business, not its containers'.
 */
export function apiContext({ onWarning }: WarningOptions = {}): Context {
  loaded ??= nodeHost()
  const { XDG_RUNTIME_DIR, USER } = process.env
  const caller = { ...loaded.caller, argv: [], cwd: process.cwd(), env: { XDG_RUNTIME_DIR, USER } }
  return {
    host: { ...loaded, caller },
    warn: (text) => onWarning?.(text),
    debug: () => undefined,
  }
}

/** Does something whose every failure is to be a {@link GantryError}. */
export async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (thrown) {
    throw toGantryError(thrown)
  }
}
