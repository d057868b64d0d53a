/** New resources for a container that is there: what is to be written, and what holds from then on. */
import type { ContainerRef, Facts } from '../host/host.js'
import type { DeviceChange, HierarchyWrites, ResctrlUpdate, UpdatePlan } from '../host/plan.js'
import { formatJson, isObject } from '../spec/json.js'
import type { BlockIO, Resources } from '../spec/spec.js'
import { planDeviceRules } from './device-rules.js'
import { type PlacedSetting, planSettings, writesOf } from './resources.js'
import { deviceProperties, resourceProperties } from './systemd.js'

/**
 * `before`: the resources that hold now, and their text in the record; `given`: what is to be changed of them.
 *
 * Written is what was given, and what changes with it: swap on v2 with a limit of memory. All else stays as it is, also
 * where somebody else has changed it.
 */
export function planUpdate(
  container: ContainerRef,
  before: { readonly resources: Resources; readonly text: string | null },
  given: Resources,
  facts: Facts,
  resctrl?: ResctrlUpdate,
): UpdatePlan {
  const merged = mergeResources(before.resources, given)
  const known = new Set(planSettings(before.resources, facts.cgroups).map(lineOf))
  const changed = planSettings(merged, facts.cgroups, true).filter(
    (placed) => isGiven(given, placed.setting.field) || !known.has(lineOf(placed)),
  )
  const hierarchies = [...writesOf(changed)].map(
    ([{ mount, version }, writes]): HierarchyWrites => ({ mount, version, writes }),
  )
  const devices = changeOfDevices(before.resources, given, facts)
  return {
    ...container,
    hierarchies,
    ...(devices && { devices }),
    ...(resctrl && { resctrl }),
    unitProperties: [...resourceProperties(changed), ...deviceProperties(devices?.to ?? [])],
    resources: formatJson(merged),
    ...(before.text !== null && { before: before.text }),
  }
}

function lineOf({ setting: { file, value } }: PlacedSetting): string {
  return `${file}=${value}`
}

/** Whether a field such as `memory.limit` or `blockIO.throttleReadBpsDevice[1]` is among the given ones, whatever the index. */
function isGiven(given: Resources, field: string): boolean {
  const [section = '', name = ''] = field.split(/[.[]/)
  const found = new Map<string, unknown>(Object.entries(given)).get(section)
  if (!isObject(found)) return found !== undefined
  return section === 'unified' || section === 'rdma' || found[name] !== undefined
}

function changeOfDevices(before: Resources, given: Resources, facts: Facts): DeviceChange | undefined {
  if (given.devices === undefined) return undefined
  const to = planDeviceRules(given.devices, facts)
  return to.length === 0 ? undefined : { from: planDeviceRules(before.devices, facts), to }
}

/** What holds when `given` comes over `before`. Lists are changed entry by entry, but for the rules of devices. */
export function mergeResources(before: Resources, given: Resources): Resources {
  const { network } = given
  const priorities = byKey(before.network?.priorities, network?.priorities, ({ name }) => name)
  return withoutEmpty({
    ...before,
    devices: given.devices ?? before.devices,
    memory: { ...before.memory, ...saying(given.memory) },
    cpu: { ...before.cpu, ...saying(given.cpu) },
    pids: { ...before.pids, ...given.pids },
    blockIO: mergeBlockIO(before.blockIO, given.blockIO),
    hugepageLimits: byKey(before.hugepageLimits, given.hugepageLimits, ({ pageSize }) => pageSize),
    rdma: { ...before.rdma, ...given.rdma },
    network: { ...before.network, ...network, ...(priorities && { priorities }) },
    unified: { ...before.unified, ...given.unified },
  })
}

function withoutEmpty<T extends object>(sections: T): T {
  const filled = { ...sections }
  for (const [name, value] of Object.entries(filled)) {
    if (value === undefined || (isObject(value) && Object.keys(value).length === 0))
      Reflect.deleteProperty(filled, name)
  }
  return filled
}

/** Of these 0 is a value; of all others it says "as it was", as callers write whole sections of zeros. */
const ZERO_IS_A_VALUE: ReadonlySet<string> = new Set(['swappiness', 'idle', 'burst'])

function saying<T extends object>(section: T | undefined): Partial<T> {
  const said = { ...section }
  for (const [name, value] of Object.entries(said)) {
    const nothing = value === 0 || value === 0n || value === ''
    if (nothing && !ZERO_IS_A_VALUE.has(name)) Reflect.deleteProperty(said, name)
  }
  return said
}

function mergeBlockIO(before: BlockIO = {}, given: BlockIO = {}): BlockIO {
  const merge = <T extends { readonly major: number; readonly minor: number }>(
    list: (of: BlockIO) => readonly T[] | undefined,
  ) => byKey(list(before), list(given), ({ major, minor }) => `${major}:${minor}`)
  return withoutEmpty({
    ...before,
    ...saying(given),
    weightDevice: merge(({ weightDevice }) => weightDevice),
    throttleReadBpsDevice: merge(({ throttleReadBpsDevice }) => throttleReadBpsDevice),
    throttleWriteBpsDevice: merge(({ throttleWriteBpsDevice }) => throttleWriteBpsDevice),
    throttleReadIOPSDevice: merge(({ throttleReadIOPSDevice }) => throttleReadIOPSDevice),
    throttleWriteIOPSDevice: merge(({ throttleWriteIOPSDevice }) => throttleWriteIOPSDevice),
  })
}

/** The entries of both lists; of two with one key the given one. */
function byKey<T>(
  before: readonly T[] | undefined,
  given: readonly T[] | undefined,
  key: (entry: T) => string,
): readonly T[] | undefined {
  if (before === undefined || given === undefined) return given ?? before
  return [...new Map([...before, ...given].map((entry) => [key(entry), entry])).values()]
}
