/** `update`: what is written, and what holds from then on. */
import test from 'ava'
import type { CgroupHierarchy } from '../../src/host/host.js'
import { mergeResources, planUpdate } from '../../src/plan/update.js'
import { formatJson } from '../../src/spec/json.js'
import type { Resources } from '../../src/spec/spec.js'
import { ROOT, USER } from './fixtures.js'

const container = { root: '/r', id: 'c1' }
const V2: readonly CgroupHierarchy[] = [
  { mount: '/sys/fs/cgroup', version: 2, controllers: ['cpuset', 'cpu', 'memory', 'pids', 'io'], own: '/' },
]
const V1 = ['memory', 'cpu', 'cpuset', 'pids'].map(
  (controller): CgroupHierarchy => ({ mount: `/cg/${controller}`, version: 1, controllers: [controller], own: '/' }),
)

function plan(before: Resources, given: Resources, facts = { ...ROOT, cgroups: V2 }) {
  return planUpdate(container, { resources: before, text: formatJson(before) }, given, facts)
}

function written(before: Resources, given: Resources, cgroups = V2): string[] {
  const { hierarchies } = plan(before, given, { ...ROOT, cgroups })
  return hierarchies.flatMap(({ writes }) => writes.map(({ file, value }) => `${file}=${value}`))
}

test('only what is given is written, and with it what it changes', (t) => {
  const before: Resources = { memory: { limit: 4096, swap: 12288 }, cpu: { shares: 2, quota: 5 }, pids: { limit: 7 } }
  t.deepEqual(written(before, { pids: { limit: 8 } }), ['pids.max=8'])
  t.deepEqual(written(before, { pids: { limit: 7 } }), ['pids.max=7'])
  t.deepEqual(written(before, { memory: { limit: 8192 } }), ['memory.max=8192', 'memory.swap.max=4096'])
  t.deepEqual(written(before, { memory: { limit: 8192 } }, V1), ['memory.limit_in_bytes=8192'])
  t.deepEqual(written(before, { memory: { swap: 4096 } }), ['memory.swap.max=0'])
  t.deepEqual(written(before, { cpu: { period: 50 } }), ['cpu.max=5 50'])
  t.deepEqual(written(before, { cpu: { quota: -1 } }), ['cpu.max=max 100000'])
  t.deepEqual(written(before, { cpu: { idle: 1 } }), ['cpu.idle=1'])
  t.deepEqual(written(before, {}), [])
})

test('zeros say nothing, where they are no values', (t) => {
  const before: Resources = { memory: { limit: 4096 }, cpu: { shares: 2, burst: 3, idle: 1 }, blockIO: { weight: 10 } }
  const zeros: Resources = {
    memory: { limit: 0, reservation: 0, swap: 0 },
    cpu: { shares: 0, quota: 0, cpus: '' },
    blockIO: { weight: 0 },
  }
  t.deepEqual(mergeResources(before, zeros), before)
  t.deepEqual(mergeResources(before, { cpu: { burst: 0, idle: 0 }, pids: { limit: 0 } }), {
    ...before,
    cpu: { shares: 2, burst: 0, idle: 0 },
    pids: { limit: 0 },
  })
})

test('lists change entry by entry', (t) => {
  const rate = (minor: number, rate: number) => ({ major: 8, minor, rate })
  const before: Resources = {
    blockIO: { throttleReadBpsDevice: [rate(0, 1), rate(16, 2)], throttleWriteBpsDevice: [rate(0, 3)] },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    network: { classID: 1, priorities: [{ name: 'eth0', priority: 1 }] },
    rdma: { a: { hcaHandles: 1 } },
    unified: { 'memory.high': '1' },
  }
  const given: Resources = {
    blockIO: { throttleReadBpsDevice: [rate(16, 4), rate(32, 5)] },
    hugepageLimits: [{ pageSize: '1GB', limit: 2 }],
    network: { priorities: [{ name: 'eth0', priority: 2 }] },
    rdma: { b: { hcaObjects: 1 } },
    unified: { 'memory.high': '2', 'memory.min': '3' },
  }
  t.deepEqual(mergeResources(before, given), {
    blockIO: { throttleReadBpsDevice: [rate(0, 1), rate(16, 4), rate(32, 5)], throttleWriteBpsDevice: [rate(0, 3)] },
    hugepageLimits: [
      { pageSize: '2MB', limit: 1 },
      { pageSize: '1GB', limit: 2 },
    ],
    network: { classID: 1, priorities: [{ name: 'eth0', priority: 2 }] },
    rdma: { a: { hcaHandles: 1 }, b: { hcaObjects: 1 } },
    unified: { 'memory.high': '2', 'memory.min': '3' },
  })
  t.deepEqual(written({}, { blockIO: { throttleReadBpsDevice: [rate(16, 0)] } }), ['io.max=8:16 rbps=max'])
})

test('what holds from then on is kept exactly, with what held before', (t) => {
  const { resources, before } = plan({ pids: { limit: 1 } }, { memory: { limit: 9007199254740993n } })
  t.is(resources, '{"pids":{"limit":1},"memory":{"limit":9007199254740993}}')
  t.is(before, '{"pids":{"limit":1}}')
  t.is(planUpdate(container, { resources: {}, text: null }, {}, ROOT).before, undefined)
})

test('rules of devices take the place of all rules, and only when they are given', (t) => {
  const disk = { allow: true, type: 'b', major: 8, minor: 0, access: 'r' }
  t.is(plan({ devices: [disk] }, { pids: { limit: 1 } }).devices, undefined)
  const { devices, resources } = plan({ devices: [disk] }, { devices: [] })
  t.is(devices?.from.length, 13)
  t.deepEqual(devices?.from[1], { allow: true, kind: 'b', major: 8, minor: 0, access: 'r' })
  t.is(devices?.to.length, 12)
  t.is(resources, '{"devices":[]}')
})

test('refused: what can’t hold together with what holds already', (t) => {
  const message = (before: Resources, given: Resources) =>
    t.throws(() => plan(before, given), { name: 'PlanError' })?.message
  t.is(message({}, { memory: { swap: 5 } }), 'linux.resources.memory.swap: needs a limit of memory too')
  t.is(
    message({ memory: { limit: 4, swap: 8 } }, { memory: { limit: 9 } }),
    'linux.resources.memory.swap: 8, memory and swap together, is less than the limit 9',
  )
  t.is(message({ cpu: { quota: 5 } }, { cpu: { burst: 6 } }), 'linux.resources.cpu.burst: 6 is more than the quota 5')
  t.throws(() => plan({}, { devices: [{ allow: true }] }, { ...USER, cgroups: V2 }), {
    message: 'linux.resources.devices: an unprivileged user can’t restrict devices',
  })
})
