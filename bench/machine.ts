/** What a number depends on besides the program: the machine, and the versions of what was measured. */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os'
import process from 'node:process'
import { which } from './contestants.js'

export interface MachineFacts {
  /** All of it in a line. */
  readonly summary: string
  readonly cpu: string
  readonly cores: number
  readonly memoryMiB: number
  readonly architecture: string
  readonly kernel: string
  readonly node: string
  /** The first line of what `--version` prints, by program. */
  readonly versions: Readonly<Record<string, string>>
  /** Bytes of the static binary. */
  readonly gantrySize: number
}

export function machineFacts(gantry: string): MachineFacts {
  const versions: Record<string, string> = {}
  for (const [name, program] of [['gantry', gantry], ...['crun', 'runc', 'bwrap'].map((name) => [name, which(name)])]) {
    if (name !== undefined && program !== undefined) versions[name] = firstLine(program)
  }
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor'
  const cores = availableParallelism()
  const memoryMiB = Math.round(totalmem() / 2 ** 20)
  return {
    summary: `${cpu}, ${cores} cores, ${memoryMiB} MiB, Linux ${release()}, Node ${process.version}; ${Object.values(versions).join(', ')}`,
    cpu,
    cores,
    memoryMiB,
    architecture: arch(),
    kernel: release(),
    node: process.version,
    versions,
    gantrySize: statSync(gantry).size,
  }
}

function firstLine(program: string): string {
  return spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0]?.trim() ?? ''
}
