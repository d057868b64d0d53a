/**
 * linux.resources as values for the files of cgroups. Limits are written for v1, as in the runtime-spec, and converted for v2:
 * docs/cgroups.md has the table.
 *
 * What the hierarchies here can't express is an error; a value that asks for what is so anyway is none, since Docker and
 * podman send whole sections of those.
 */
import type { CgroupHierarchy } from '../host/host.js'
import type { CgroupWrite } from '../host/plan.js'
import type { HugepageLimit, Integer, Network, Rdma, Resources } from '../spec/spec.js'
import { blockIoSettings } from './block-io.js'
import { cpuSettings, cpusetSettings } from './cpu.js'
import { PlanError } from './error.js'
import { memorySettings } from './memory.js'
import { given, inexpressible, isUnlimited, orMax, type Setting } from './setting.js'

/** A value and the hierarchy that it belongs to. */
export interface PlacedSetting {
  readonly hierarchy: CgroupHierarchy
  readonly setting: Setting
}

/** The settings by hierarchy, as what is to be written. */
export function writesOf(settings: readonly PlacedSetting[]): ReadonlyMap<CgroupHierarchy, CgroupWrite[]> {
  const all = new Map<CgroupHierarchy, CgroupWrite[]>()
  for (const { hierarchy, setting } of settings) {
    const { field: _, isDefault: __, ...write } = setting
    const writes = all.get(hierarchy)
    if (writes) writes.push(write)
    else all.set(hierarchy, [write])
  }
  return all
}

/** All values in order. Fails for a limit that no hierarchy has a controller for. `update`: for a container that is there. */
export function planSettings(
  resources: Resources = {},
  hierarchies: readonly CgroupHierarchy[],
  update = false,
): readonly PlacedSetting[] {
  const all: PlacedSetting[] = []
  const layout = hierarchies.some(({ version }) => version === 1) ? 1 : 2
  const add = (controller: string | Readonly<Record<1 | 2, string>>, settings: (version: 1 | 2) => Setting[]): void => {
    const nameIn = (version: 1 | 2) => (typeof controller === 'string' ? controller : controller[version])
    const hierarchy = hierarchies.find(({ version, controllers }) => controllers.includes(nameIn(version)))
    const version = hierarchy?.version ?? layout
    for (const setting of settings(version)) {
      if (hierarchy) all.push({ hierarchy, setting })
      else if (!setting.isDefault) {
        const field = `linux.resources.${setting.field}`
        throw new PlanError('cgroup', field, `no cgroup controller ${nameIn(version)} here`)
      }
    }
  }
  add('cpu', (version) => cpuSettings(resources.cpu, version))
  add('cpuset', () => cpusetSettings(resources.cpu))
  add('pids', () => pids(resources.pids?.limit))
  add({ 1: 'blkio', 2: 'io' }, (version) => blockIoSettings(resources.blockIO, version))
  add('hugetlb', (version) => hugepages(resources.hugepageLimits, version))
  add('rdma', () => rdma(resources.rdma))
  add('net_cls', (version) => netClass(resources.network, version))
  add('net_prio', (version) => netPriorities(resources.network, version))
  // Last: to lower a limit may end processes, and that can't be undone when another value is refused.
  add('memory', (version) => memorySettings(resources.memory, version, update))
  return [...all, ...unified(resources.unified, hierarchies)]
}

/** 0 is a limit too, and the container has one process: 1. */
function pids(limit: Integer | undefined): Setting[] {
  if (limit === undefined) return []
  const value = BigInt(limit) === 0n ? '1' : orMax(limit)
  return [{ field: 'pids.limit', file: 'pids.max', value, isDefault: isUnlimited(limit) }]
}

/** What is used and, where the kernel can, what is reserved. */
function hugepages(limits: readonly HugepageLimit[] = [], version: 1 | 2): Setting[] {
  const file = version === 1 ? 'limit_in_bytes' : 'max'
  return limits.flatMap(({ pageSize, limit }, index): Setting[] => {
    const field = `hugepageLimits[${index}]`
    const value = String(limit)
    return [
      { field, file: `hugetlb.${pageSize}.${file}`, value },
      { field, file: `hugetlb.${pageSize}.rsvd.${file}`, value, otherwise: 'nothing' },
    ]
  })
}

function rdma(devices: Rdma = {}): Setting[] {
  return Object.entries(devices).map(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ]
    return { field: `rdma[${JSON.stringify(device)}]`, file: 'rdma.max', value: [device, ...limits].join(' ') }
  })
}

/** v2 has neither: packets are told by their cgroup, with netfilter and eBPF. */
function netClass({ classID }: Network = {}, version: 1 | 2): Setting[] {
  if (!given(classID)) return []
  if (version === 2) throw inexpressible('network.classID', version)
  return [{ field: 'network.classID', file: 'net_cls.classid', value: String(classID) }]
}

function netPriorities({ priorities = [] }: Network = {}, version: 1 | 2): Setting[] {
  return priorities.map(({ name, priority }, index) => {
    const field = `network.priorities[${index}]`
    if (version === 2) throw inexpressible(field, version)
    return { field, file: 'net_prio.ifpriomap', value: `${name} ${priority}` }
  })
}

/** Files of v2 by their own names. They come after the converted values and so replace them. */
function unified(values: Resources['unified'] = {}, hierarchies: readonly CgroupHierarchy[]): PlacedSetting[] {
  return Object.entries(values).map(([file, value]) => {
    const name = `unified[${JSON.stringify(file)}]`
    const field = `linux.resources.${name}`
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
    return { hierarchy, setting: { field: name, file, value } }
  })
}
