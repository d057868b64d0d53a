/**
 * linux.resources as values for the files of cgroups: cgroup-v1/ and cgroup-v2.rst of the kernel's admin-guide.
 *
 * Limits are written for v1, as in the runtime-spec, and converted for v2. As with runc, 0 is "not set" except for
 * pids: callers write whole sections of zeros.
 */
import type { CgroupHierarchy } from '../host/host.js'
import type { CgroupWrite } from '../host/plan.js'
import type { CpuResources, Integer, MemoryResources, Resources } from '../spec/spec.js'
import { PlanError } from './error.js'

/** What to write in each hierarchy, in order. Fails for a limit that no hierarchy has a controller for. */
export function planResources(
  resources: Resources = {},
  hierarchies: readonly CgroupHierarchy[],
): ReadonlyMap<CgroupHierarchy, CgroupWrite[]> {
  const all = new Map<CgroupHierarchy, CgroupWrite[]>()
  const add = (field: string, controller: string, values: (version: 1 | 2) => CgroupWrite[]): void => {
    const hierarchy = hierarchies.find(({ controllers }) => controllers.includes(controller))
    const writes = values(hierarchy?.version ?? 2)
    if (writes.length === 0) return
    if (!hierarchy) throw new PlanError('cgroup', `linux.resources.${field}`, `no cgroup controller ${controller} here`)
    all.set(hierarchy, [...(all.get(hierarchy) ?? []), ...writes])
  }
  add('memory', 'memory', (version) => memory(resources.memory, version))
  add('cpu', 'cpu', (version) => cpu(resources.cpu, version))
  add('cpu', 'cpuset', () => cpuset(resources.cpu))
  add('pids', 'pids', () => pids(resources.pids?.limit))
  addUnified(resources.unified, hierarchies, all)
  return all
}

/** A limit that was set. */
function given(value: Integer | undefined): value is Integer {
  return value !== undefined && BigInt(value) !== 0n
}

function memory({ limit, reservation, swap }: MemoryResources = {}, version: 1 | 2): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  const write = (file: string, value: Integer | 'max'): void => {
    writes.push({ file: `memory.${file}`, value: String(value) })
  }
  if (given(swap) && BigInt(swap) !== -1n) {
    const field = 'linux.resources.memory.swap'
    if (!given(limit) || BigInt(limit) === -1n) throw new PlanError('request', field, 'needs a limit of memory too')
    if (swap < limit)
      throw new PlanError('request', field, `${swap}, memory and swap together, is less than the limit ${limit}`)
  }
  if (version === 1) {
    if (given(limit)) write('limit_in_bytes', limit)
    if (given(reservation)) write('soft_limit_in_bytes', reservation)
    if (given(swap)) write('memsw.limit_in_bytes', swap)
    return writes
  }
  if (given(limit)) write('max', orMax(limit))
  if (given(reservation)) write('low', orMax(reservation))
  if (given(swap)) write('swap.max', BigInt(swap) === -1n ? 'max' : BigInt(swap) - BigInt(limit ?? 0))
  return writes
}

/** The scheduler's default period, in microseconds. */
const CPU_PERIOD = 100_000

function cpu({ shares, quota, period, burst }: CpuResources = {}, version: 1 | 2): CgroupWrite[] {
  const writes: CgroupWrite[] = []
  const write = (file: string, value: Integer | string): void => {
    writes.push({ file: `cpu.${file}`, value: String(value) })
  }
  if (given(shares)) write(version === 1 ? 'shares' : 'weight', version === 1 ? shares : sharesToWeight(shares))
  if (version === 1) {
    if (given(period)) write('cfs_period_us', period)
    if (given(quota)) write('cfs_quota_us', quota)
    if (given(burst)) write('cfs_burst_us', burst)
    return writes
  }
  if (given(quota) || given(period)) {
    write('max', `${given(quota) ? orMax(quota) : 'max'} ${given(period) ? period : CPU_PERIOD}`)
  }
  if (given(burst)) write('max.burst', burst)
  return writes
}

/**
 * cpu.shares (2…262144) as a cpu.weight (1…10000): a curve through 2→1, 1024→100 and 262144→10000, so that the defaults
 * of both versions stay equal.
 */
export function sharesToWeight(shares: Integer): number {
  if (shares <= 2) return 1
  if (shares >= 262144) return 10000
  const log = Math.log2(Number(shares))
  const exponent = (log * log + 125 * log) / 612 - 7 / 34
  // What a double makes of a whole number may lie a hair above it.
  return Math.ceil(10 ** exponent - 1e-9)
}

function cpuset({ cpus, mems }: CpuResources = {}): CgroupWrite[] {
  return [
    ...(cpus ? [{ file: 'cpuset.cpus', value: cpus }] : []),
    ...(mems ? [{ file: 'cpuset.mems', value: mems }] : []),
  ]
}

/** 0 is a limit too, and the container has one process: 1. */
function pids(limit: Integer | undefined): CgroupWrite[] {
  if (limit === undefined) return []
  return [{ file: 'pids.max', value: String(BigInt(limit) === 0n ? 1 : orMax(limit)) }]
}

function orMax(limit: Integer): Integer | 'max' {
  return limit < 0 ? 'max' : limit
}

/** Files of v2 by their own names. They come after the converted values and so replace them. */
function addUnified(
  unified: Resources['unified'] = {},
  hierarchies: readonly CgroupHierarchy[],
  all: Map<CgroupHierarchy, CgroupWrite[]>,
): void {
  for (const [file, value] of Object.entries(unified)) {
    const field = `linux.resources.unified[${JSON.stringify(file)}]`
    const [hierarchy] = hierarchies
    if (!hierarchy || hierarchies.some(({ version }) => version === 1)) {
      throw new PlanError('cgroup', field, 'needs cgroup v2 alone')
    }
    if (!/^[^./]+\.[^/]+$/.test(file))
      throw new PlanError('request', field, 'expected the name of a file such as memory.high')
    const controller = file.slice(0, file.indexOf('.'))
    if (controller !== 'cgroup' && !hierarchy.controllers.includes(controller)) {
      throw new PlanError('cgroup', field, `no cgroup controller ${controller} here`)
    }
    all.set(hierarchy, [...(all.get(hierarchy) ?? []), { file, value }])
  }
}
