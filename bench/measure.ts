/** The measurements in one cgroup view: what there is to compare, and in which order. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Alone, alone, memoryOf, partsOf } from './alone.js'
import type { Built } from './build.js'
import { makeBundle, makeDockerBundle, makeRootfs, type View } from './bundle.js'
import {
  bubblewrap,
  type Contestant,
  floor,
  ofControllers,
  ownOfGantry,
  ownOfRunc,
  type Places,
  runtime,
  script,
  type Task,
  tasks,
  which,
} from './contestants.js'
import { interleave } from './interleave.js'
import { inNode } from './node.js'
import { Spawner } from './spawner.js'

export interface Programs extends Built {
  readonly gantry: string
  /** The Node API: dist/index.js. */
  readonly api: string
  /** What Docker wrote: __test__/fixtures/docker.config.json. */
  readonly docker: string
}

/** Milliseconds of each repetition, in order; or why there are none. */
export type Samples = readonly number[] | string

/** Everything that can be asked for alone. */
export const subjects = [...tasks, ...alone] as const

export interface Measurement {
  readonly task: Task | Alone
  readonly contestant: string
  /** Milliseconds; of memory KiB. */
  readonly samples: Samples
}

/** `only`: this task alone. */
export async function measure(
  view: View,
  repetitions: number,
  programs: Programs,
  only?: Measurement['task'],
): Promise<Measurement[]> {
  const directory = mkdtempSync(`${tmpdir()}/gantry-bench-`)
  const at = (name: string) => join(directory, name)
  const places: Places = {
    rootfs: at('rootfs'),
    run: at('run'),
    wait: at('wait'),
    write: at('write'),
    docker: at('docker'),
    root: at('root'),
  }
  const spawner = new Spawner(programs.spawner, at('messages'))
  try {
    makeRootfs(places.rootfs)
    mkdirSync(places.root)
    // As where runtimes keep their records on a host: /run. Our mount namespace ends with the measurement.
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', places.root])
    for (const purpose of ['run', 'wait', 'write'] as const) makeBundle(places[purpose], places.rootfs, view, purpose)
    const profile = makeDockerBundle(places.docker, places.rootfs, programs.docker)
    const contestants = known(programs, places)
    const measurements: Measurement[] = []
    for (const task of tasks) {
      if (!(only === undefined || task === only) || (ofControllers.has(task) && !hasControllers(view))) continue
      const own = await inNode(programs.api, programs.parts, places, task)
      measurements.push(...(await interleave(task, contestants, own, repetitions, spawner)))
    }
    for (const task of alone) {
      if (!(only === undefined || task === only)) continue
      if (task === 'memory of run' || task === 'memory of exec')
        measurements.push(...(await memoryOf(task, contestants, programs.memory, spawner)))
      else measurements.push(partsOf(task, programs.parts, repetitions, profile))
    }
    return measurements
  } finally {
    await spawner.end()
    // It is not there when making it failed: that error counts.
    spawnSync('umount', [places.root], { stdio: 'ignore' })
    rmSync(directory, { recursive: true, force: true })
  }
}

function known(programs: Programs, places: Places): Contestant[] {
  const [runc, crun, bwrap, scriptCommand] = ['runc', 'crun', 'bwrap', 'script'].map(which)
  return [
    floor(programs.floor, places),
    runtime('gantry', programs.gantry, places, ownOfGantry(places)),
    ...(crun === undefined ? [] : [runtime('crun', crun, places)]),
    ...(runc === undefined ? [] : [runtime('runc', runc, places, ownOfRunc)]),
    ...(bwrap === undefined ? [] : [bubblewrap(bwrap, places)]),
    ...(scriptCommand === undefined ? [] : [script(scriptCommand)]),
  ]
}

function hasControllers(view: View): boolean {
  return view === 'v1' || readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('memory')
}
