/** `stats` and `events`: what a container uses, and what happens to it. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type ContainerRef, type Host, HostFailure } from '../host/host.js'
import { EVENT_FILES, eventStats } from '../stats/events.js'
import { type Stats, SUMMARY_FILES, summarize } from '../stats/summary.js'

/** What it uses now, or used: a stopped container has its cgroup until it is deleted. */
export async function containerStats(host: Host, container: ContainerRef): Promise<Stats> {
  return summarize(await host.readCgroup({ ...container, files: SUMMARY_FILES }))
}

/** The same for the end of a container: nothing where it can't be told any more. */
export async function usageOf(host: Host, container: ContainerRef): Promise<Stats | undefined> {
  try {
    return await containerStats(host, container)
  } catch (error) {
    if (error instanceof HostFailure) return undefined
    throw error
  }
}

/** The same as runc's `events` tells it. */
export async function runcStats(host: Host, container: ContainerRef): Promise<ReturnType<typeof eventStats>> {
  return eventStats(await host.readCgroup({ ...container, files: EVENT_FILES }))
}

/** Throws runc's sentence unless the container has a process. */
export async function checkRunning(host: Host, container: ContainerRef): Promise<void> {
  const { status } = await host.inspect(container)
  if (status === 'stopped' || status === 'creating') {
    throw new GantryError('ERR_NOT_RUNNING', `container with id ${container.id} is not running`)
  }
}

/** `oom`: a process was killed for want of memory. `tick`: the interval has passed. */
export type Happening = 'oom' | 'tick'

export interface WatchOptions {
  /** Milliseconds between two ticks; none without it. */
  readonly interval?: number
  /** The longest time, in milliseconds, until the end of the loop is noticed. */
  readonly patience: number
}

/** What happens to a container, from now on until it has no process any more. */
export async function* happenings(
  host: Host,
  container: ContainerRef,
  { interval, patience }: WatchOptions,
): AsyncGenerator<Happening, void, undefined> {
  // Kills of the past are none of the news.
  let { kills } = await host.awaitOom({ ...container, since: Number.MAX_SAFE_INTEGER, timeout: 0 })
  if (kills === Number.MAX_SAFE_INTEGER) kills = 0
  let next = interval === undefined ? Number.POSITIVE_INFINITY : Date.now() + interval
  for (;;) {
    const timeout = Math.max(0, Math.min(patience, next - Date.now()))
    const news = await nextNews(host, container, kills, timeout)
    if (news === undefined) return
    kills = news.kills
    if (news.oom) yield 'oom'
    if (news.ended) return
    if (Date.now() >= next) {
      yield 'tick'
      next += interval ?? 0
    }
  }
}

/** Undefined when the container was deleted. */
async function nextNews(host: Host, container: ContainerRef, since: number, timeout: number) {
  try {
    return await host.awaitOom({ ...container, since, timeout })
  } catch (error) {
    if (error instanceof HostFailure && error.step === 'find container' && error.errno === errno.ENOENT)
      return undefined
    throw error
  }
}
