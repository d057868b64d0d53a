/** Repetitions of a task by all who can do it, in turns: whatever disturbs the machine disturbs all alike. */
import process from 'node:process'
import { type Contestant, long, onStanding, type Task } from './contestants.js'
import type { Measurement } from './measure.js'
import type { InNode } from './node.js'
import type { Spawner } from './spawner.js'

/** How often at most what takes long is repeated. */
const fewRepetitions = 10

/** Ctrl-C ends the benchmark after a round, so that nothing stays. */
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (interrupted = true))

export async function interleave(
  task: Task,
  contestants: readonly Contestant[],
  own: readonly InNode[],
  repetitions: number,
  spawner: Spawner,
): Promise<Measurement[]> {
  const able = contestants.filter((contestant) => contestant.steps(task, '') !== undefined)
  const samples = new Map<{ readonly name: string }, number[]>([...able, ...own].map((one) => [one, []]))
  const failures = new Map<{ readonly name: string }, string>()
  const rounds = long.has(task) ? Math.min(repetitions, fewRepetitions) : repetitions
  try {
    if (onStanding.has(task)) {
      for (const contestant of able) {
        const { failed } = await spawner.perform(contestant.setUp?.(identify('standing', contestant)) ?? [])
        if (failed !== undefined) failures.set(contestant, failed)
      }
    }
    // The first round warms caches and is not counted.
    for (let round = 0; round <= rounds; round++) {
      if (interrupted) throw new Error('interrupted')
      for (const contestant of able) {
        if (failures.has(contestant)) continue
        const id = identify(onStanding.has(task) ? 'standing' : `${round}`, contestant)
        const { nanoseconds, failed } = await spawner.perform(contestant.steps(task, id) ?? [])
        if (failed !== undefined) {
          failures.set(contestant, failed)
          if (!onStanding.has(task)) await spawner.perform(contestant.tearDown?.(id) ?? [])
        } else if (round > 0) samples.get(contestant)?.push(microseconds(nanoseconds / 1e6))
      }
      for (const one of own) {
        const milliseconds = await one.once(identify(`node-${round}`, one))
        if (round > 0) samples.get(one)?.push(microseconds(milliseconds))
      }
    }
  } finally {
    if (onStanding.has(task)) {
      for (const contestant of able)
        await spawner.perform(contestant.tearDown?.(identify('standing', contestant)) ?? [])
    }
    for (const one of own) await one.end?.()
  }
  return [...samples].map(([one, numbers]) => ({ task, contestant: one.name, samples: failures.get(one) ?? numbers }))
}

/** An id that tells leftovers of ours from everything else. */
export function identify(what: string, { name }: { readonly name: string }): string {
  return `gantry-bench-${process.pid}-${name.replaceAll(' ', '-')}-${what}`
}

/** Milliseconds, exact to the microsecond. */
export function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e3) / 1e3
}
