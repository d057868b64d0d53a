/** The table of `stats`. */
import type { Stats } from '../stats/summary.js'

export interface Sample {
  readonly id: string
  /** Milliseconds since 1970, as `at`, the time of the sample. */
  readonly created: number
  readonly at: number
  readonly stats: Stats
}

export const heading = ['ID', 'CPU %', 'CPU TIME', 'MEMORY', 'LIMIT', 'PEAK', 'PIDS', 'READ', 'WRITTEN', 'OOM KILLS']

/** `before`: an earlier sample of the same container. */
export function statsRow({ id, created, at, stats }: Sample, before?: Sample): string[] {
  const { cpu, memory, pids, io, oomKills } = stats
  const since = before?.at ?? created
  const used = cpu.totalMs === null ? null : cpu.totalMs - (before?.stats.cpu.totalMs ?? 0)
  return [
    id,
    used === null || at <= since ? '-' : ((100 * used) / (at - since)).toFixed(1),
    cpu.totalMs === null ? '-' : `${(cpu.totalMs / 1000).toFixed(2)}s`,
    bytes(memory.current),
    bytes(memory.limit),
    bytes(memory.peak),
    pids.limit === null ? count(pids.current) : `${count(pids.current)}/${pids.limit}`,
    bytes(io.read),
    bytes(io.written),
    count(oomKills),
  ]
}

function count(number: number | null): string {
  return number === null ? '-' : String(number)
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Three digits and a unit: `64.0MiB`, `512MiB`. */
export function bytes(number: number | null): string {
  if (number === null) return '-'
  let value = number
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(value < 100 ? 1 : 0)}${units[unit]}`
}
