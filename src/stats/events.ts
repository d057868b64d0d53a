/**
 * The statistics of `events`, in the form of runc's: the same names, in the same order, and left out where runc leaves them out. Beside
 * them `oom_kill` of memory, and the pressure of each resource also where the controllers are those of v1.
 */
import type { CgroupTexts } from '../host/host.js'
import type { Integer } from '../spec/spec.js'
import { field, flat, integer, isV2, nested, numbersOf, plus, pressure, times } from './texts.js'

/** The files that {@link eventStats} looks at. */
export const EVENT_FILES: readonly string[] = [
  ...['stat', 'pressure'].map((name) => `cpu.${name}`),
  ...['usage', 'usage_percpu', 'usage_all', 'stat'].map((name) => `cpuacct.${name}`),
  'cpuset.*',
  ...['', 'memsw.', 'kmem.', 'kmem.tcp.'].flatMap((kind) =>
    ['usage_in_bytes', 'max_usage_in_bytes', 'limit_in_bytes', 'failcnt'].map((name) => `memory.${kind}${name}`),
  ),
  ...['stat', 'oom_control', 'current', 'peak', 'max', 'swap.current', 'swap.max', 'events', 'pressure'].map(
    (name) => `memory.${name}`,
  ),
  ...['current', 'max'].map((name) => `pids.${name}`),
  ...['stat', 'pressure'].map((name) => `io.${name}`),
  'blkio.*',
  'hugetlb.*',
]

type Data = Readonly<Record<string, unknown>>

export function eventStats(texts: CgroupTexts): Data {
  const v2 = isV2(texts)
  const psi = (resource: string) => pressure(texts.v2[`${resource}.pressure`])
  return {
    cpu: { ...(v2 ? cpuV2(texts.v2) : cpuV1(texts.v1)), psi: psi('cpu') },
    cpuset: cpuset(texts.v1),
    memory: { ...(v2 ? memoryV2(texts.v2) : memoryV1(texts.v1)), psi: psi('memory') },
    pids: pids(v2 ? texts.v2 : texts.v1),
    blkio: { ...(v2 ? blkioV2(texts.v2) : blkioV1(texts.v1)), psi: psi('io') },
    hugetlb: { ...hugetlb(texts.v1), ...hugetlb(texts.v2) },
    intel_rdt: {},
    network_interfaces: null,
  }
}

type Texts = CgroupTexts['v1']

/** What Go leaves out of JSON. */
function orNothing<T extends Integer | readonly unknown[]>(value: T): T | undefined {
  return value === 0 || value === 0n || (Array.isArray(value) && value.length === 0) ? undefined : value
}

/** Nanoseconds in USER_HZ, the unit of cpuacct.stat. */
const TICK = 10_000_000

function cpuV1(texts: Texts): Data {
  const perCpu = (texts['cpuacct.usage_percpu'] ?? '')
    .trim()
    .split(/\s+/)
    .filter((one) => one !== '')
  const [, ...rows] = (texts['cpuacct.usage_all'] ?? '').trim().split('\n')
  const column = (index: number) => rows.map((row) => integer(row.split(' ')[index]))
  const time = (name: string) => times(field(texts['cpuacct.stat'], name), TICK)
  return {
    usage: {
      total: orNothing(integer(texts['cpuacct.usage'])),
      percpu: orNothing(perCpu.map(integer)),
      percpu_kernel: orNothing(column(2)),
      percpu_user: orNothing(column(1)),
      kernel: time('system'),
      user: time('user'),
    },
    throttling: throttling(texts['cpu.stat'], integer(String(field(texts['cpu.stat'], 'throttled_time')))),
  }
}

function cpuV2(texts: Texts): Data {
  const stat = texts['cpu.stat']
  const time = (name: string) => times(field(stat, name), 1000)
  return {
    usage: { total: orNothing(time('usage_usec')), kernel: time('system_usec'), user: time('user_usec') },
    throttling: throttling(stat, time('throttled_usec')),
  }
}

function throttling(stat: string | undefined, time: Integer): Data {
  return {
    periods: orNothing(field(stat, 'nr_periods')),
    throttledPeriods: orNothing(field(stat, 'nr_throttled')),
    throttledTime: orNothing(time),
  }
}

/** Only v1 has most of it; runc tells nothing of v2's. */
function cpuset(texts: Texts): Data {
  const value = (name: string) => integer(texts[`cpuset.${name}`])
  return {
    cpus: orNothing(numbersOf(texts['cpuset.cpus'])),
    cpu_exclusive: value('cpu_exclusive'),
    mems: orNothing(numbersOf(texts['cpuset.mems'])),
    mem_hardwall: value('mem_hardwall'),
    mem_exclusive: value('mem_exclusive'),
    memory_migrate: value('memory_migrate'),
    memory_spread_page: value('memory_spread_page'),
    memory_spread_slab: value('memory_spread_slab'),
    memory_pressure: value('memory_pressure'),
    sched_load_balance: value('sched_load_balance'),
    sched_relax_domain_level: value('sched_relax_domain_level'),
  }
}

function memoryEntry(limit: Integer, usage: Integer, max: Integer, failcnt: Integer): Data {
  return { limit, usage: orNothing(usage), max: orNothing(max), failcnt }
}

function memoryV1(texts: Texts): Data {
  const entry = (kind: string) => {
    const value = (name: string) => integer(texts[`memory.${kind}${name}`])
    return memoryEntry(value('limit_in_bytes'), value('usage_in_bytes'), value('max_usage_in_bytes'), value('failcnt'))
  }
  const stat = flat(texts['memory.stat'])
  return {
    cache: orNothing(stat.get('cache') ?? 0),
    usage: entry(''),
    swap: entry('memsw.'),
    kernel: entry('kmem.'),
    kernelTCP: entry('kmem.tcp.'),
    raw: raw(stat),
    oom_kill: field(texts['memory.oom_control'], 'oom_kill'),
  }
}

/** Go's largest number. */
const UNLIMITED = 18446744073709551615n

/** Swap is memory and swap together, as v1 counts it. */
function memoryV2(texts: Texts): Data {
  const limitOf = (name: string) => (texts[name]?.trim() === 'max' ? UNLIMITED : integer(texts[name]))
  const [used, limit] = [integer(texts['memory.current']), limitOf('memory.max')]
  const swapLimit = limitOf('memory.swap.max')
  const stat = flat(texts['memory.stat'])
  const none = memoryEntry(0, 0, 0, 0)
  return {
    cache: orNothing(stat.get('file') ?? 0),
    usage: memoryEntry(limit, used, integer(texts['memory.peak']), 0),
    swap: memoryEntry(
      swapLimit === UNLIMITED || limit === UNLIMITED ? UNLIMITED : plus(swapLimit, limit),
      plus(integer(texts['memory.swap.current']), used),
      0,
      0,
    ),
    kernel: none,
    kernelTCP: none,
    raw: raw(stat),
    oom_kill: field(texts['memory.events'], 'oom_kill'),
  }
}

/** Go prints maps by sorted keys. */
function raw(stat: ReadonlyMap<string, Integer>): Data | undefined {
  return stat.size === 0 ? undefined : Object.fromEntries([...stat].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** No limit is a limit of 0, which Go leaves out. */
function pids(texts: Texts): Data {
  return { current: orNothing(integer(texts['pids.current'])), limit: orNothing(integer(texts['pids.max'])) }
}

/** runc's names, each with the end of its file's. */
const BLKIO = [
  ['ioServiceBytesRecursive', 'io_service_bytes_recursive'],
  ['ioServicedRecursive', 'io_serviced_recursive'],
  ['ioQueueRecursive', 'io_queued_recursive'],
  ['ioServiceTimeRecursive', 'io_service_time_recursive'],
  ['ioWaitTimeRecursive', 'io_wait_time_recursive'],
  ['ioMergedRecursive', 'io_merged_recursive'],
  ['ioTimeRecursive', 'time_recursive'],
  ['sectorsRecursive', 'sectors_recursive'],
] as const

/** Of the schedulers that count, the first that has counted anything: BFQ, CFQ, else the throttle. */
function blkioV1(texts: Texts): Data {
  const counted = (group: string) =>
    BLKIO.map(([name, file]) => [name, entries(texts[`blkio.${group}${file}`])] as const).filter(
      ([, found]) => found.length > 0,
    )
  const groups = ['bfq.', '', 'throttle.'].map(counted)
  return Object.fromEntries(groups.find((group) => group.length > 0) ?? [])
}

function entries(text = ''): Data[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', operation = '', value] = line.split(' ')
    const [major, minor] = device.split(':')
    if (minor === undefined) return []
    return value === undefined ? [entry(major, minor, '', operation)] : [entry(major, minor, operation, value)]
  })
}

function entry(major: string | undefined, minor: string, op: string, value: string): Data {
  return {
    major: orNothing(integer(major)),
    minor: orNothing(integer(minor)),
    op: op === '' ? undefined : op,
    value: orNothing(integer(value)),
  }
}

function blkioV2(texts: Texts): Data {
  const list = (names: readonly (readonly [name: string, op: string])[]) =>
    nested(texts['io.stat']).flatMap(({ key, values }) =>
      names.flatMap(([name, op]) => {
        const [major, minor = ''] = key.split(':')
        return values.has(name) ? [entry(major, minor, op, String(values.get(name)))] : []
      }),
    )
  const bytes = list([
    ['rbytes', 'Read'],
    ['wbytes', 'Write'],
    ['dbytes', 'Discard'],
  ])
  const operations = list([
    ['rios', 'Read'],
    ['wios', 'Write'],
    ['dios', 'Discard'],
  ])
  return { ioServiceBytesRecursive: orNothing(bytes), ioServicedRecursive: orNothing(operations) }
}

/** Of each page size what is reserved where that is counted, else what is used. */
function hugetlb(texts: Texts): Data {
  const sizes = new Set(Object.keys(texts).flatMap((file) => /^hugetlb\.([0-9]+[KMG]B)\./.exec(file)?.[1] ?? []))
  return Object.fromEntries(
    [...sizes].sort().map((size) => {
      const value = (...names: readonly string[]) =>
        integer(names.map((name) => texts[`hugetlb.${size}.${name}`]).find((text) => text !== undefined))
      const events = texts[`hugetlb.${size}.events`]
      return [
        size,
        {
          usage: orNothing(value('rsvd.usage_in_bytes', 'rsvd.current', 'usage_in_bytes', 'current')),
          max: orNothing(value('rsvd.max_usage_in_bytes', 'max_usage_in_bytes')),
          failcnt: events === undefined ? value('rsvd.failcnt', 'failcnt') : field(events, 'max'),
        },
      ]
    }),
  )
}
