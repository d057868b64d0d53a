/** Runs one command, and tells what goes wrong. */
import { toGantryError } from '../errors.js'
import type { Host } from '../host/host.js'
import type { GantryCommand } from './command.js'
import type { Globals } from './globals.js'
import type { Log } from './log.js'

/** Gives the command's exit code. */
export async function perform(host: Host, globals: Globals, log: Log, command: GantryCommand): Promise<number> {
  // As runc does: a log file that can't be written is told before anything happens.
  await log.check()
  command.session = {
    host,
    globals,
    warn: (text) => log.tell('warning', text),
    debug: (text) => (globals.logLevel === 'debug' ? log.tell('debug', text()) : undefined),
  }
  return await attempt(log, async () => (await command.execute()) ?? 0, command.failure)
}

/** What `action` gives; `failure` after an error, which is then on standard error and in the log. */
export async function attempt<T>(log: Log, action: (log: Log) => Promise<T>, failure = 1): Promise<T | number> {
  try {
    return await action(log)
  } catch (thrown) {
    const error = toGantryError(thrown)
    if (error.code === 'ERR_INTERNAL' && error.cause instanceof Error) await log.tell('debug', error.cause.stack ?? '')
    await log.error(error)
    return failure
  }
}
