/** What happens to a container, as an iterator. */
import { toGantryError } from '../errors.js'
import type { ContainerRef, Host } from '../host/host.js'
import { checkRunning, containerStats, happenings } from '../lifecycle/stats.js'
import type { Stats } from '../stats/summary.js'
import { checkNames, checkNumber } from './arguments.js'

export interface WatchOptions {
  /** Milliseconds between two events of type `stats`; none without it. */
  readonly interval?: number
}

export type ContainerEvent = { readonly type: 'oom' } | { readonly type: 'stats'; readonly stats: Stats }

/** Milliseconds after which a loop that was left is through. */
const patience = 500

export async function* watch(
  host: Host,
  container: ContainerRef,
  options: WatchOptions,
): AsyncGenerator<ContainerEvent, void, undefined> {
  try {
    checkNames('options', options, ['interval'])
    const { interval } = options
    checkNumber('interval', interval, 1, Number.MAX_SAFE_INTEGER)
    await checkRunning(host, container)
    for await (const happening of happenings(host, container, { ...(interval && { interval }), patience })) {
      yield happening === 'oom' ? { type: 'oom' } : { type: 'stats', stats: await containerStats(host, container) }
    }
  } catch (thrown) {
    throw toGantryError(thrown)
  }
}
