/** linux.resources.cpu as values for the controllers cpu and cpuset: sched-bwc.rst, sched-rt-group.rst, cgroup-v2.rst. */
import type { CpuResources, Integer } from '../spec/spec.js'
import { PlanError } from './error.js'
import { given, inexpressible, isUnlimited, orMax, type Setting } from './setting.js'

/** The scheduler's default period, in microseconds. */
const CPU_PERIOD = 100_000

export function cpuSettings(cpu: CpuResources = {}, version: 1 | 2): Setting[] {
  const { shares, quota, period, burst, idle, realtimePeriod, realtimeRuntime } = cpu
  if (given(burst) && given(quota) && !isUnlimited(quota) && burst > quota) {
    throw new PlanError('request', 'linux.resources.cpu.burst', `${burst} is more than the quota ${quota}`)
  }
  const settings: Setting[] = []
  const set = (field: string, file: string, value: Integer | string, more: Partial<Setting> = {}): void => {
    settings.push({ field: `cpu.${field}`, file: `cpu.${file}`, value: String(value), ...more })
  }
  // Kernels before Linux 5.15 have neither idle nor a burst: then both are off.
  const off: Partial<Setting> = { isDefault: true, otherwise: 'nothing' }
  // While idle is set the kernel takes no weight: it goes first when it ends, last when it begins.
  if (idle === 0) set('idle', 'idle', 0, off)
  if (version === 1) {
    if (given(shares)) set('shares', 'shares', shares)
    if (given(period)) set('period', 'cfs_period_us', period)
    if (given(quota)) set('quota', 'cfs_quota_us', quota, { isDefault: isUnlimited(quota) })
    if (burst !== undefined) set('burst', 'cfs_burst_us', burst, given(burst) ? {} : off)
    if (given(realtimePeriod)) set('realtimePeriod', 'rt_period_us', realtimePeriod)
    if (given(realtimeRuntime)) set('realtimeRuntime', 'rt_runtime_us', realtimeRuntime)
  } else {
    if (given(realtimePeriod)) throw inexpressible('cpu.realtimePeriod', version)
    if (given(realtimeRuntime)) throw inexpressible('cpu.realtimeRuntime', version)
    if (given(shares)) set('shares', 'weight', sharesToWeight(shares))
    if (given(quota) || given(period)) {
      const limit = given(quota) ? orMax(quota) : 'max'
      const field = given(quota) ? 'quota' : 'period'
      set(field, 'max', `${limit} ${given(period) ? period : CPU_PERIOD}`, { isDefault: limit === 'max' })
    }
    if (burst !== undefined) set('burst', 'max.burst', burst, given(burst) ? {} : off)
  }
  if (idle === 1) set('idle', 'idle', 1)
  return settings
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

export function cpusetSettings({ cpus, mems }: CpuResources = {}): Setting[] {
  return [
    ...(cpus ? [{ field: 'cpu.cpus', file: 'cpuset.cpus', value: cpus }] : []),
    ...(mems ? [{ field: 'cpu.mems', file: 'cpuset.mems', value: mems }] : []),
  ]
}
