/** What is measured without turns: memory, which hardly varies, and parts of gantry that have no rival. */
import { execFileSync, spawnSync } from 'node:child_process'
import { type Contestant, onStanding } from './contestants.js'
import { identify, microseconds } from './interleave.js'
import type { Measurement } from './measure.js'
import type { Spawner } from './spawner.js'

/** Memory is that of all processes together, at its peak. */
export const alone = ['memory of run', 'memory of exec', 'start of init', 'compile Docker’s seccomp'] as const
export type Alone = (typeof alone)[number]

const memoryRepetitions = 5

/** `program`: bench/floor/src/memory.rs. */
export async function memoryOf(
  subject: 'memory of run' | 'memory of exec',
  contestants: readonly Contestant[],
  program: string,
  spawner: Spawner,
): Promise<Measurement[]> {
  const task = subject === 'memory of run' ? 'run' : 'exec'
  const measurements: Measurement[] = []
  for (const contestant of contestants) {
    if (contestant.steps(task, '') === undefined) continue
    const standing = identify('standing', contestant)
    if (onStanding.has(task)) await spawner.perform(contestant.setUp?.(standing) ?? [])
    try {
      const samples: number[] = []
      let failed: string | undefined
      for (let round = 0; round < memoryRepetitions && failed === undefined; round++) {
        const id = onStanding.has(task) ? standing : identify(`memory-${round}`, contestant)
        const argv = contestant.steps(task, id)?.[0]?.argv ?? []
        const { status, stdout, stderr } = spawnSync(program, argv, { encoding: 'utf8' })
        if (status === 0) samples.push(Number(stdout))
        else failed = stderr.trim() || `exit status ${status}`
      }
      measurements.push({ task: subject, contestant: contestant.name, samples: failed ?? samples })
    } finally {
      if (onStanding.has(task)) await spawner.perform(contestant.tearDown?.(standing) ?? [])
    }
  }
  return measurements
}

/** `program`: bench/floor/src/parts.rs. `profile`: Docker's seccomp section. */
export function partsOf(
  task: 'start of init' | 'compile Docker’s seccomp',
  program: string,
  repetitions: number,
  profile: string,
): Measurement {
  const part = task === 'start of init' ? 'helper' : 'seccomp'
  const output = execFileSync(program, [part, String(repetitions)], { input: profile, encoding: 'utf8' })
  const nanoseconds: number[] = JSON.parse(output)
  return { task, contestant: 'gantry', samples: nanoseconds.map((one) => microseconds(one / 1e6)) }
}
