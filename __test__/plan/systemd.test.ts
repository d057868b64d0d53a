/** Units and their properties: what is sent to systemd. That it does what is meant is tested where systemd runs. */
import test from 'ava'
import type { BusValue, DeviceRule, UnitPlan } from '../../src/host/plan.js'
import { deviceProperties } from '../../src/plan/systemd.js'
import { annotatedProperties } from '../../src/plan/unit-annotations.js'
import { type Changes, plan, rootless, V1, V2 } from './fixtures.js'

function unit({ request, ...changes }: Changes = {}): UnitPlan | undefined {
  return plan({ ...changes, request: { ...request, systemdCgroup: true } }).cgroup?.unit
}

function place(cgroupsPath: string | undefined, changes: Changes = {}): string | undefined {
  const linux = { ...changes.linux, ...(cgroupsPath !== undefined && { cgroupsPath }) }
  return plan({ ...changes, linux, request: { ...changes.request, systemdCgroup: true } }).cgroup?.hierarchies[0]?.path
}

/** The values of the properties that come from linux.resources and annotations, by name. */
function values(resources: object, cgroups = V2): Record<string, BusValue | undefined> {
  const properties = unit({ linux: { resources }, facts: { cgroups } })?.properties ?? []
  return Object.fromEntries(properties.map(({ name, value }) => [name, value]))
}

test('where the cgroup is: every dash of a slice is a level', (t) => {
  t.is(place('a-b-c.slice:box:x'), 'a.slice/a-b.slice/a-b-c.slice/box-x.scope')
  t.is(place('-.slice:box:x'), 'box-x.scope')
  t.is(place('system.slice::x'), 'system.slice/x.scope')
  t.is(place(undefined), 'system.slice/gantry-c1.scope')
  t.is(place(':box:', { request: { id: 'a+b' } }), 'system.slice/box-a\\x2bb.scope')
})

test("where the cgroup is: a user's is below their own systemd", (t) => {
  const own = [{ mount: '/sys/fs/cgroup', version: 2 as const, controllers: [], own: '/a/user@7.service/app.slice/x' }]
  t.is(place(':box:x', rootless({ facts: { cgroups: own } })), 'a/user@7.service/user.slice/box-x.scope')
  t.is(place(':box:x', rootless()), 'user.slice/user-1000.slice/user@1000.service/user.slice/box-x.scope')
  t.true(unit(rootless())?.user)
  t.false(unit()?.user)
})

test('CPU time: systemd has whole per cents, a weight of 0 for idle', (t) => {
  const quota = values({ cpu: { quota: 33_333, period: 100_000 } })
  t.deepEqual(quota.CPUQuotaPerSecUSec, { uint64: '340000' })
  t.deepEqual(quota.CPUQuotaPeriodUSec, { uint64: '100000' })
  t.deepEqual(values({ cpu: { quota: -1 } }).CPUQuotaPerSecUSec, { uint64: '18446744073709551615' })
  t.deepEqual(values({ cpu: { idle: 1 } }).CPUWeight, { uint64: '0' })
})

test('a list of CPUs is a bitmap', (t) => {
  const bytes = (...list: number[]) => ({ array: { element: 'y', items: list.map((byte) => ({ byte })) } })
  t.deepEqual(values({ cpu: { cpus: '0-2,9' } }).AllowedCPUs, bytes(0b111, 0b10))
  t.deepEqual(values({ cpu: { mems: '1' } }).AllowedMemoryNodes, bytes(0b10))
})

test('limits of I/O are lists, an entry a device', (t) => {
  const io = V2.map((hierarchy) => ({ ...hierarchy, controllers: ['io'] }))
  const devices = [8, 9].map((major) => ({ major, minor: 0, rate: 5 }))
  const entry = (major: number) => ({ struct: [{ string: `/dev/block/${major}:0` }, { uint64: '5' }] })
  t.deepEqual(values({ blockIO: { throttleWriteIOPSDevice: devices } }, io).IOWriteIOPSMax, {
    array: { element: '(st)', items: [entry(8), entry(9)] },
  })
  t.deepEqual(values({ blockIO: { weight: 1000 } }, io).IOWeight, { uint64: '10000' })
})

test('of a converted value and one of unified the latter holds', (t) => {
  const { MemoryMax } = values({ memory: { limit: 1 << 20 }, unified: { 'memory.max': 'max' } })
  t.deepEqual(MemoryMax, { uint64: '18446744073709551615' })
})

test('on v1 systemd has names of its own', (t) => {
  const v1 = values({ memory: { limit: 1 << 20 }, cpu: { shares: 512 } }, V1)
  t.deepEqual(v1.MemoryLimit, { uint64: '1048576' })
  t.deepEqual(v1.CPUShares, { uint64: '512' })
  t.deepEqual(v1.BlockIOAccounting, { boolean: true })
})

const nothing: DeviceRule = { allow: false, kind: 'a', access: 'rwm' }

test('device rules that are a list of what is allowed are one for systemd', (t) => {
  const rules: DeviceRule[] = [
    nothing,
    { allow: true, kind: 'c', access: 'm' },
    { allow: true, kind: 'c', major: 136, access: 'rwm' },
    { allow: true, kind: 'b', major: 8, minor: 1, access: 'r' },
  ]
  const [policy, , list] = deviceProperties(rules)
  t.deepEqual(policy?.value, { string: 'strict' })
  const items = [
    ['char-*', 'm'],
    ['char-136', 'rwm'],
    ['/dev/block/8:1', 'r'],
  ].map((words) => ({ struct: words.map((string) => ({ string })) }))
  t.deepEqual(list?.value, { array: { element: '(ss)', items } })
})

for (const [what, rule] of [
  ['take something back', { allow: false, kind: 'c', major: 1, minor: 3, access: 'w' }],
  ['allow everything', { allow: true, kind: 'a', access: 'rwm' }],
  ['name a minor number alone', { allow: true, kind: 'c', minor: 3, access: 'w' }],
] as const) {
  test(`device rules that ${what} are left to our own filter`, (t) => {
    t.deepEqual(deviceProperties([nothing, rule])[0]?.value, { string: 'auto' })
  })
}

test('on v1 device rules that systemd has no list for are refused: it would open all devices', (t) => {
  const devices = [
    { allow: true, type: 'c', major: 1 },
    { allow: false, type: 'c', major: 1, minor: 1 },
  ]
  t.throws(() => values({ devices }, V1), { message: /linux.resources.devices: on cgroup v1 systemd takes only lists/ })
  t.notThrows(() => values({ devices: [{ allow: true }] }, V1))
})

const prefix = 'org.systemd.property.'

for (const [text, value] of [
  ["'a \\'b'", { string: "a 'b" }],
  ['"text"', { string: 'text' }],
  ['true', { boolean: true }],
  ['5', { int32: 5 }],
  ['-5', { int32: -5 }],
  ['uint64 18446744073709551615', { uint64: '18446744073709551615' }],
  ['byte 0xff', { byte: 255 }],
  ['1.5', { double: 1.5 }],
  ["objectpath '/a'", { objectPath: '/a' }],
  ["['a', 'b']", { array: { element: 's', items: [{ string: 'a' }, { string: 'b' }] } }],
  ['@as []', { array: { element: 's', items: [] } }],
  ["('a', uint32 1)", { struct: [{ string: 'a' }, { uint32: 1 }] }],
  ["@a(st) [('a', 1)]", { array: { element: '(st)', items: [{ struct: [{ string: 'a' }, { uint64: '1' }] }] } }],
] as const) {
  test(`the annotation ${text} is a value`, (t) => {
    t.deepEqual<unknown, unknown>(annotatedProperties({ [`${prefix}Name`]: text }), [{ name: 'Name', value }])
  })
}

test('times in seconds are in microseconds on the bus', (t) => {
  const annotations = { [`${prefix}TimeoutStopSec`]: '1.5', [`${prefix}RuntimeMaxUSec`]: 'uint64 7', other: 'x' }
  t.deepEqual(annotatedProperties(annotations), [
    { name: 'TimeoutStopUSec', value: { uint64: '1500000' } },
    { name: 'RuntimeMaxUSec', value: { uint64: '7' } },
  ])
})

for (const [text, complaint] of [
  ['', /can't be read/],
  ['word', /can't be read/],
  ["'open", /without an end/],
  ['[1, true]', /several types/],
  ['[]', /without a type/],
  ['byte 256', /too large/],
  ['5 6', /more after its value: 6/],
  ['strange 5', /unknown type strange/],
  ["uint32 'a'", /text for u/],
] as const) {
  test(`the annotation ${JSON.stringify(text)} is refused`, (t) => {
    t.regex(t.throws(() => annotatedProperties({ [`${prefix}Name`]: text }))?.message ?? '', complaint)
  })
}
