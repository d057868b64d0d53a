/** The measurements in one cgroup view. Repetitions are interleaved: whatever disturbs the machine disturbs all alike. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { makeBundle, makeRootfs, type View } from './bundle.js'
import {
  bubblewrap,
  type Contestant,
  floor,
  onStanding,
  type Places,
  runtime,
  type Task,
  tasks,
  which,
} from './contestants.js'
import { Spawner } from './spawner.js'
import { type WarmApi, warmNode } from './warm.js'

export interface Programs {
  readonly gantry: string
  readonly floor: string
  readonly spawner: string
  /** The Node API: dist/index.js. */
  readonly api: string
}

/** Milliseconds of each repetition, in order; or why there are none. */
export type Samples = readonly number[] | string

export interface Measurement {
  readonly task: Task | 'peak memory'
  readonly contestant: string
  /** Milliseconds; for peak memory KiB. */
  readonly samples: Samples
}

/** Ctrl-C ends the benchmark after a round, so that nothing stays. */
let interrupted = false

/** How often the peak of memory is asked for: it hardly varies. */
const memoryRepetitions = 5

/** `only`: this task alone. */
export async function measure(
  view: View,
  repetitions: number,
  programs: Programs,
  only?: Measurement['task'],
): Promise<Measurement[]> {
  const directory = mkdtempSync(`${tmpdir()}/gantry-bench-`)
  const places: Places = {
    rootfs: `${directory}/rootfs`,
    run: `${directory}/run`,
    wait: `${directory}/wait`,
    root: `${directory}/root`,
  }
  const spawner = new Spawner(programs.spawner, `${directory}/messages`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (interrupted = true))
  try {
    makeRootfs(places.rootfs)
    mkdirSync(places.root)
    makeBundle(places.run, places.rootfs, view, 'run')
    makeBundle(places.wait, places.rootfs, view, 'wait')
    const contestants = known(programs, places)
    const measurements: Measurement[] = []
    for (const task of tasks) {
      if (only !== undefined && task !== only) continue
      const warm = await warmNode(programs.api, places, task)
      measurements.push(...(await interleave(task, contestants, warm, repetitions, spawner)))
    }
    if (only === undefined || only === 'peak memory') {
      for (const contestant of contestants) measurements.push(await peakMemory(contestant, directory, programs))
    }
    return measurements
  } finally {
    await spawner.end()
    rmSync(directory, { recursive: true, force: true })
  }
}

function known(programs: Programs, places: Places): Contestant[] {
  const [runc, crun, bwrap] = ['runc', 'crun', 'bwrap'].map(which)
  return [
    floor(programs.floor, places),
    runtime('gantry', programs.gantry, places),
    ...(crun === undefined ? [] : [runtime('crun', crun, places)]),
    ...(runc === undefined ? [] : [runtime('runc', runc, places)]),
    ...(bwrap === undefined ? [] : [bubblewrap(bwrap, places)]),
  ]
}

async function interleave(
  task: Task,
  contestants: readonly Contestant[],
  warm: WarmApi | undefined,
  repetitions: number,
  spawner: Spawner,
): Promise<Measurement[]> {
  const able = contestants.filter((contestant) => contestant.steps(task, '') !== undefined)
  const samples = new Map<string, number[]>(able.map(({ name }) => [name, []]))
  const failures = new Map<string, string>()
  const warmSamples: number[] = []
  const standing = (contestant: Contestant) => identify('standing', contestant)
  try {
    if (onStanding.has(task)) {
      for (const contestant of able) {
        const { failed } = await spawner.perform(contestant.setUp?.(standing(contestant)) ?? [])
        if (failed !== undefined) failures.set(contestant.name, failed)
      }
    }
    // The first round warms caches and is not counted.
    for (let round = 0; round <= repetitions; round++) {
      if (interrupted) throw new Error('interrupted')
      for (const contestant of able) {
        if (failures.has(contestant.name)) continue
        const id = onStanding.has(task) ? standing(contestant) : identify(`${round}`, contestant)
        const { nanoseconds, failed } = await spawner.perform(contestant.steps(task, id) ?? [])
        if (failed !== undefined) {
          failures.set(contestant.name, failed)
          if (task !== 'version' && !onStanding.has(task)) await spawner.perform(contestant.tearDown?.(id) ?? [])
        } else if (round > 0) samples.get(contestant.name)?.push(Math.round(nanoseconds / 1e3) / 1e3)
      }
      const milliseconds = await warm?.once(`gantry-bench-${process.pid}-warm-${round}`)
      if (milliseconds !== undefined && round > 0) warmSamples.push(Math.round(milliseconds * 1e3) / 1e3)
    }
  } finally {
    if (onStanding.has(task)) {
      for (const contestant of able) await spawner.perform(contestant.tearDown?.(standing(contestant)) ?? [])
    }
    await warm?.end()
  }
  return [
    ...able.map(({ name }) => ({ task, contestant: name, samples: failures.get(name) ?? samples.get(name) ?? [] })),
    ...(warm === undefined ? [] : [{ task, contestant: 'gantry in warm Node', samples: warmSamples }]),
  ]
}

/** Each repetition has a spawner of its own, as the kernel only keeps the largest of all children. */
async function peakMemory(contestant: Contestant, directory: string, programs: Programs): Promise<Measurement> {
  const samples: number[] = []
  for (let round = 0; round < memoryRepetitions; round++) {
    const spawner = new Spawner(programs.spawner, `${directory}/messages`)
    const { peak, failed } = await spawner.perform(
      contestant.steps('run', identify(`memory-${round}`, contestant)) ?? [],
    )
    await spawner.end()
    if (failed !== undefined) return { task: 'peak memory', contestant: contestant.name, samples: failed }
    samples.push(peak)
  }
  return { task: 'peak memory', contestant: contestant.name, samples }
}

/** An id that tells leftovers of ours from everything else. */
function identify(what: string, contestant: Contestant): string {
  return `gantry-bench-${process.pid}-${contestant.name}-${what}`
}
