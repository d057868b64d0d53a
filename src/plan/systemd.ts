/**
 * The systemd cgroup driver: the transient scope that a container's cgroup belongs to, and linux.resources as its
 * properties (systemd.resource-control(5)). docs/cgroups.md has the table.
 *
 * systemd gets what it can express and so knows what holds; the same values, exact and complete, are written to the files
 * of the cgroup after it. Without the first, a reload of systemd would put its defaults in their place.
 */
import type { Facts } from '../host/host.js'
import type { BusValue, DeviceRule, UnitPlan, UnitProperty } from '../host/plan.js'
import type { Spec } from '../spec/spec.js'
import { PlanError } from './error.js'
import type { Request } from './request.js'
import type { PlacedSetting } from './resources.js'
import { annotatedProperties } from './unit-annotations.js'

/** What stands for "no limit". */
const INFINITY = String(2n ** 64n - 1n)
/** In microseconds. */
const SECOND = 1_000_000n
/** systemd keeps the quota of CPU time in whole per cents of a processor, and cuts the rest off: so it is rounded up before. */
const QUOTA_STEP = 10_000n

/** A unit, and where its cgroup is below the mount of a hierarchy. */
export interface PlannedUnit {
  readonly unit: UnitPlan
  readonly path: string
}

/** The scope of `slice:prefix:name`, with its properties. */
export function planUnit(
  spec: Spec,
  { id }: Request,
  facts: Facts,
  settings: readonly PlacedSetting[],
  devices: readonly DeviceRule[],
): PlannedUnit {
  const user = facts.euid !== 0 || facts.inUserNamespace
  const { slice, name } = parsePath(spec.linux?.cgroupsPath, id, user)
  const v2 = facts.cgroups.every(({ version }) => version === 2)
  if (!v2 && !isAllowList(devices) && devices.slice(1).some(({ allow }) => !allow)) {
    const message =
      'on cgroup v1 systemd takes only lists of what is allowed, and would open all devices when it reloads'
    throw new PlanError('cgroup', 'linux.resources.devices', message)
  }
  const properties = [
    text('Description', `gantry container ${id}`),
    text('Slice', slice),
    yes('Delegate'),
    { name: 'DefaultDependencies', value: { boolean: false } },
    // A scope that failed would keep its name taken.
    text('CollectMode', 'inactive-or-failed'),
    yes('CPUAccounting'),
    yes('MemoryAccounting'),
    yes('TasksAccounting'),
    yes(v2 ? 'IOAccounting' : 'BlockIOAccounting'),
    ...resourceProperties(settings),
    ...deviceProperties(devices),
    ...annotatedProperties(spec.annotations),
  ]
  return { unit: { name, user, properties }, path: `${root(facts, user)}${expandSlice(slice)}${name}` }
}

/** Where the manager's own tree begins, with a slash at the end. */
function root({ cgroups, euid }: Facts, user: boolean): string {
  if (!user) return ''
  const own = cgroups.map((hierarchy) => /^\/(.*\/user@\d+\.service)(\/|$)/.exec(hierarchy.own)?.[1])
  return `${own.find((found) => found !== undefined) ?? `user.slice/user-${euid}.slice/user@${euid}.service`}/`
}

function parsePath(path: string | undefined, id: string, user: boolean): { slice: string; name: string } {
  const fail = (message: string) => new PlanError('request', 'linux.cgroupsPath', message)
  const parts = (path || ':gantry:').split(':')
  const [slice = '', prefix = '', name = ''] = parts
  if (parts.length !== 3) throw fail(`${path} is not slice:prefix:name, as the systemd cgroup driver has it`)
  if (name.endsWith('.slice')) throw fail(`${name} is a slice, which can't have processes`)
  const words = [prefix, name || id].filter((word) => word !== '')
  return {
    slice: checkSlice(slice || (user ? 'user.slice' : 'system.slice'), fail),
    name: `${words.map(unitWord).join('-')}.scope`,
  }
}

function checkSlice(slice: string, fail: (message: string) => PlanError): string {
  const wellFormed = /^(-|[A-Za-z0-9_.:\\]+(-[A-Za-z0-9_.:\\]+)*)\.slice$/.test(slice)
  if (!wellFormed) throw fail(`${slice} is not the name of a systemd slice`)
  return slice
}

/** As systemd-escape(1) does it; `-` stays, since callers look for the name that they gave. */
function unitWord(word: string): string {
  return word.replace(/[^A-Za-z0-9:_.\\-]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** `a-b.slice` lies in `a.slice`: systemd.slice(5). */
function expandSlice(slice: string): string {
  const words = slice.slice(0, -'.slice'.length).split('-')
  if (slice === '-.slice') return ''
  return words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice/`).join('')
}

/** The properties of values; of two for one property the later. */
export function resourceProperties(settings: readonly PlacedSetting[]): UnitProperty[] {
  const values = new Map<string, BusValue>()
  const files = new Map<string, string>()
  for (const { hierarchy, setting } of settings) {
    const { file, value, otherwise } = setting
    files.set(file, value)
    for (const [name, converted] of hierarchy.version === 2 ? ofV2(file, value) : ofV1(file, value)) {
      const before = values.get(name)
      // Limits of I/O are lists, an entry a device.
      const merged = before && 'array' in before && 'array' in converted ? joined(before, converted) : converted
      values.set(name, merged)
    }
    // The weight of BFQ is on another scale than systemd's.
    if (file === 'io.bfq.weight' && typeof otherwise === 'object') {
      const [first = '', weight] = otherwise.write.value.split(' ')
      if (weight === undefined) values.set('IOWeight', number(first))
      else values.set('IODeviceWeight', perDevice(first, weight))
    }
  }
  const quota = cpuQuota(files)
  return [...[...values].map(([name, value]) => ({ name, value })), ...quota]
}

type Converted = readonly (readonly [name: string, value: BusValue])[]

const V2_LIMITS: Readonly<Record<string, string>> = {
  'memory.max': 'MemoryMax',
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
}

const V1_LIMITS: Readonly<Record<string, string>> = {
  'memory.limit_in_bytes': 'MemoryLimit',
  'pids.max': 'TasksMax',
  'cpu.shares': 'CPUShares',
  'blkio.weight': 'BlockIOWeight',
}

const IO_LIMITS: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
}

function ofV2(file: string, value: string): Converted {
  const limit = V2_LIMITS[file]
  if (limit !== undefined) return /^(max|\d+)$/.test(value) ? [[limit, number(value)]] : []
  if (file === 'cpuset.cpus') return [['AllowedCPUs', bitmap(value)]]
  if (file === 'cpuset.mems') return [['AllowedMemoryNodes', bitmap(value)]]
  // A weight of 0 is idle, since systemd 252.
  if (file === 'cpu.idle' && value === '1') return [['CPUWeight', { uint64: '0' }]]
  if (file === 'io.weight' && /^\d+$/.test(value)) return [['IOWeight', number(value)]]
  if (file !== 'io.max') return []
  const [device = '', ...limits] = value.split(' ')
  return limits.flatMap((one): Converted => {
    const [key = '', rate = ''] = one.split('=')
    const name = IO_LIMITS[key]
    return name === undefined ? [] : [[name, perDevice(device, rate)]]
  })
}

function ofV1(file: string, value: string): Converted {
  const limit = V1_LIMITS[file]
  return limit === undefined ? [] : [[limit, number(value)]]
}

function cpuQuota(files: ReadonlyMap<string, string>): UnitProperty[] {
  const [quota = files.get('cpu.cfs_quota_us'), period = files.get('cpu.cfs_period_us') ?? '100000'] =
    files.get('cpu.max')?.split(' ') ?? []
  if (quota === undefined) return []
  const unlimited = quota === 'max' || quota === '-1'
  const perSecond = unlimited ? 0n : (BigInt(quota) * SECOND + BigInt(period) - 1n) / BigInt(period)
  const rounded = ((perSecond + QUOTA_STEP - 1n) / QUOTA_STEP) * QUOTA_STEP
  return [
    { name: 'CPUQuotaPerSecUSec', value: { uint64: unlimited ? INFINITY : String(rounded) } },
    { name: 'CPUQuotaPeriodUSec', value: { uint64: period } },
  ]
}

/**
 * systemd knows lists of what is allowed. Where the rules are more than that, it restricts nothing, and our own filter,
 * which it leaves alone, is what holds.
 */
export function deviceProperties(rules: readonly DeviceRule[]): UnitProperty[] {
  if (rules.length === 0) return []
  const list = (items: BusValue[]): UnitProperty => ({
    name: 'DeviceAllow',
    value: { array: { element: '(ss)', items } },
  })
  // An empty list takes back what was allowed before.
  if (!isAllowList(rules)) return [text('DevicePolicy', 'auto'), list([])]
  return [text('DevicePolicy', 'strict'), list([]), list(rules.slice(1).flatMap((rule) => deviceEntry(rule) ?? []))]
}

function isAllowList([first, ...rest]: readonly DeviceRule[]): boolean {
  return first?.allow === false && first.kind === 'a' && rest.every((rule) => deviceEntry(rule) !== undefined)
}

/** None where a list of what is allowed has no word for the rule. */
function deviceEntry({ allow, kind, major, minor, access }: DeviceRule): BusValue[] | undefined {
  if (!allow || kind === 'a' || (major === undefined && minor !== undefined)) return undefined
  const word = kind === 'b' ? 'block' : 'char'
  const device = minor === undefined ? `${word}-${major ?? '*'}` : `/dev/${word}/${major}:${minor}`
  return [{ struct: [{ string: device }, { string: access }] }]
}

/** The bits of a list such as `0-2,7`, the lowest first. */
function bitmap(list: string): BusValue {
  const bytes: number[] = []
  for (const range of list.trim().split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    for (let bit = first; bit <= last; bit += 1) {
      while (bytes.length <= bit >> 3) bytes.push(0)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7))
    }
  }
  return { array: { element: 'y', items: bytes.map((byte): BusValue => ({ byte })) } }
}

function perDevice(device: string, value: string): { array: { element: string; items: BusValue[] } } {
  return { array: { element: '(st)', items: [{ struct: [{ string: `/dev/block/${device}` }, number(value)] }] } }
}

function joined(
  one: { array: { element: string; items: BusValue[] } },
  other: { array: { element: string; items: BusValue[] } },
): BusValue {
  return { array: { element: one.array.element, items: [...one.array.items, ...other.array.items] } }
}

function number(value: string): BusValue {
  return { uint64: value === 'max' || value === '-1' ? INFINITY : value }
}

function text(name: string, value: string): UnitProperty {
  return { name, value: { string: value } }
}

function yes(name: string): UnitProperty {
  return { name, value: { boolean: true } }
}
