/** What a container uses, in a few numbers: for the Node API and for `stats`. */
import type { CgroupTexts } from '../host/host.js'
import type { Integer } from '../spec/spec.js'
import { field, integer, nested, type Pressure, pressure } from './texts.js'

/** The files that {@link summarize} looks at. */
export const SUMMARY_FILES: readonly string[] = [
  'cpu.stat',
  'cpu.pressure',
  'cpuacct.usage',
  'cpuacct.stat',
  'memory.current',
  'memory.peak',
  'memory.max',
  'memory.events',
  'memory.pressure',
  'memory.usage_in_bytes',
  'memory.max_usage_in_bytes',
  'memory.limit_in_bytes',
  'memory.oom_control',
  'pids.current',
  'pids.peak',
  'pids.max',
  'io.stat',
  'io.pressure',
  'blkio.throttle.io_service_bytes_recursive',
]

/** All processes of a container together. A number is null where the machine has no controller that counts it. */
export interface Stats {
  /** Processor time in milliseconds, since the container was made. */
  readonly cpu: { readonly totalMs: number | null; readonly userMs: number | null; readonly systemMs: number | null }
  /** Bytes; a limit is null where there is none. */
  readonly memory: { readonly current: number | null; readonly peak: number | null; readonly limit: number | null }
  /** Processes and threads. */
  readonly pids: { readonly current: number | null; readonly peak: number | null; readonly limit: number | null }
  /** Bytes of block devices. */
  readonly io: { readonly read: number | null; readonly written: number | null }
  /** How many processes were killed for want of memory. */
  readonly oomKills: number | null
  /** Pressure stall information of each resource, where the kernel has it. */
  readonly pressure: { readonly cpu?: Pressure; readonly memory?: Pressure; readonly io?: Pressure }
}

export function summarize({ v1, v2 }: CgroupTexts): Stats {
  // A file has the same name in both only where its number is told by one of them: the other controller is not there.
  const text = (...names: readonly string[]) =>
    names.map((name) => v1[name] ?? v2[name]).find((found) => found !== undefined)
  const number = (...names: readonly string[]) => numberOrNull(text(...names))
  return {
    cpu: cpu({ v1, v2 }),
    memory: {
      current: number('memory.usage_in_bytes', 'memory.current'),
      peak: number('memory.max_usage_in_bytes', 'memory.peak'),
      limit: limit(text('memory.limit_in_bytes', 'memory.max')),
    },
    pids: { current: number('pids.current'), peak: number('pids.peak'), limit: limit(text('pids.max')) },
    io: io({ v1, v2 }),
    oomKills: counted(v1['memory.oom_control'] ?? v2['memory.events'], 'oom_kill'),
    pressure: {
      cpu: pressure(v2['cpu.pressure']),
      memory: pressure(v2['memory.pressure']),
      io: pressure(v2['io.pressure']),
    },
  }
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined ? null : Number(integer(text))
}

function counted(text: string | undefined, name: string): number | null {
  return text === undefined ? null : Number(field(text, name))
}

/** v1 writes "no limit" as the largest number of whole pages. */
function limit(text: string | undefined): number | null {
  if (text === undefined || text.trim() === 'max') return null
  const value: Integer = integer(text)
  return value > Number.MAX_SAFE_INTEGER ? null : Number(value)
}

/** v2 counts microseconds, v1 nanoseconds in all and hundredths of a second (USER_HZ) by kind. */
function cpu({ v1, v2 }: CgroupTexts): Stats['cpu'] {
  const scaled = (value: number | null, divisor: number) => (value === null ? null : value / divisor)
  if (v1['cpuacct.usage'] !== undefined) {
    return {
      totalMs: scaled(numberOrNull(v1['cpuacct.usage']), 1e6),
      userMs: scaled(counted(v1['cpuacct.stat'], 'user'), 0.1),
      systemMs: scaled(counted(v1['cpuacct.stat'], 'system'), 0.1),
    }
  }
  const used = (name: string) => scaled(counted(v2['cpu.stat'], name), 1000)
  return { totalMs: used('usage_usec'), userMs: used('user_usec'), systemMs: used('system_usec') }
}

function io({ v1, v2 }: CgroupTexts): Stats['io'] {
  const ofV1 = v1['blkio.throttle.io_service_bytes_recursive']
  if (ofV1 !== undefined) {
    const sum = (operation: string) =>
      ofV1.split('\n').reduce((total, line) => {
        const [, kind, value] = line.split(' ')
        return kind === operation ? total + Number(integer(value)) : total
      }, 0)
    return { read: sum('Read'), written: sum('Write') }
  }
  if (v2['io.stat'] === undefined) return { read: null, written: null }
  const sum = (name: string) =>
    nested(v2['io.stat']).reduce((total, { values }) => total + Number(values.get(name) ?? 0), 0)
  return { read: sum('rbytes'), written: sum('wbytes') }
}
