import test from 'ava'
import type { CgroupPlan } from '../../src/host/plan.js'
import { sharesToWeight } from '../../src/plan/resources.js'
import { type Changes, HYBRID, plan, ROOT, rootless, USER, V1, V2 } from './fixtures.js'

function cgroup(changes: Changes = {}): CgroupPlan | undefined {
  return plan(changes).cgroup
}

function paths(cgroupsPath: string | undefined, cgroups: typeof V2): string[] {
  return cgroup({ linux: { cgroupsPath }, facts: { cgroups } })?.hierarchies.map(({ path }) => path) ?? []
}

test('where the cgroup is: an absolute path below the mount', (t) => {
  t.deepEqual(paths('/docker/x', V2), ['docker/x'])
  t.deepEqual(paths('//docker/./x/', V1), ['docker/x', 'docker/x', 'docker/x', 'docker/x'])
})

test('where the cgroup is: a relative path, and the id, start at our own cgroup; on v2 beside it', (t) => {
  t.deepEqual(paths('a/b', V2), ['user.slice/a/b'])
  t.deepEqual(paths(undefined, V2), ['user.slice/c1'])
  t.deepEqual(paths('a', V1), ['a', 'own/a', 'own/a', 'own/a'])
  t.deepEqual(paths('', HYBRID), ['c1', 'own/c1', 'own/c1', 'own/c1', 'own/c1'])
  t.deepEqual(paths('a', [{ mount: '/sys/fs/cgroup', version: 2, controllers: [], own: '/' }]), ['a'])
})

const wrongPaths = [
  { path: '/a/../../b', message: 'linux.cgroupsPath: /a/../../b contains ..' },
  { path: '/', message: 'linux.cgroupsPath: the root cgroup is not a container’s own' },
  {
    path: 'system.slice:gantry:c1',
    message: 'linux.cgroupsPath: system.slice:gantry:c1 is for the systemd cgroup driver, which is not supported yet',
  },
]

for (const { path, message } of wrongPaths) {
  test(`refused: ${message}`, (t) => {
    t.is(t.throws(() => cgroup({ linux: { cgroupsPath: path } }))?.message, message)
  })
}

test('the systemd driver is refused', (t) => {
  t.throws(() => cgroup({ request: { systemdCgroup: true } }), { name: 'UnsupportedError' })
})

const ALL = {
  memory: { limit: 1 << 20, reservation: 1 << 19, swap: 3 << 20 },
  cpu: { shares: 1024, quota: 5000, period: 10000, burst: 1000 },
  pids: { limit: 10 },
}

test('limits on v2, with all controllers enabled', (t) => {
  t.deepEqual(cgroup({ linux: { resources: { ...ALL, cpu: { ...ALL.cpu, cpus: '0-1', mems: '0' } } } })?.hierarchies, [
    {
      mount: '/sys/fs/cgroup',
      version: 2,
      controllers: ['cpuset', 'cpu', 'memory', 'pids'],
      path: 'user.slice/c1',
      writes: [
        { file: 'memory.max', value: '1048576' },
        { file: 'memory.low', value: '524288' },
        { file: 'memory.swap.max', value: '2097152' },
        { file: 'cpu.weight', value: '100' },
        { file: 'cpu.max', value: '5000 10000' },
        { file: 'cpu.max.burst', value: '1000' },
        { file: 'cpuset.cpus', value: '0-1' },
        { file: 'cpuset.mems', value: '0' },
        { file: 'pids.max', value: '10' },
      ],
    },
  ])
})

test('limits on v1, each in its hierarchy; a v2 hierarchy beside them is there to kill by', (t) => {
  t.deepEqual(cgroup({ linux: { resources: ALL }, facts: { cgroups: HYBRID } })?.hierarchies, [
    {
      mount: '/sys/fs/cgroup/cpu,cpuacct',
      version: 1,
      controllers: ['cpu', 'cpuacct'],
      path: 'c1',
      writes: [
        { file: 'cpu.shares', value: '1024' },
        { file: 'cpu.cfs_period_us', value: '10000' },
        { file: 'cpu.cfs_quota_us', value: '5000' },
        { file: 'cpu.cfs_burst_us', value: '1000' },
      ],
    },
    {
      mount: '/sys/fs/cgroup/memory',
      version: 1,
      controllers: ['memory'],
      path: 'own/c1',
      writes: [
        { file: 'memory.limit_in_bytes', value: '1048576' },
        { file: 'memory.soft_limit_in_bytes', value: '524288' },
        { file: 'memory.memsw.limit_in_bytes', value: '3145728' },
      ],
    },
    {
      mount: '/sys/fs/cgroup/pids',
      version: 1,
      controllers: ['pids'],
      path: 'own/c1',
      writes: [{ file: 'pids.max', value: '10' }],
    },
    { mount: '/sys/fs/cgroup/systemd', version: 1, controllers: ['name=systemd'], path: 'own/c1' },
    { mount: '/sys/fs/cgroup/unified', version: 2, controllers: [], path: 'own/c1' },
  ])
})

const values: readonly {
  readonly resources: object
  readonly v2: readonly string[]
  readonly v1?: readonly string[]
}[] = [
  { resources: { memory: { limit: 0, swap: 0 }, cpu: { shares: 0, quota: 0, period: 0 }, pids: {} }, v2: [] },
  { resources: { pids: { limit: 0 } }, v2: ['pids.max=1'], v1: ['pids.max=1'] },
  { resources: { pids: { limit: -1 } }, v2: ['pids.max=max'], v1: ['pids.max=max'] },
  { resources: { memory: { limit: -1 } }, v2: ['memory.max=max'], v1: ['memory.limit_in_bytes=-1'] },
  {
    resources: { memory: { limit: 9223372036854771712n, swap: -1 } },
    v2: ['memory.max=9223372036854771712', 'memory.swap.max=max'],
    v1: ['memory.limit_in_bytes=9223372036854771712', 'memory.memsw.limit_in_bytes=-1'],
  },
  { resources: { memory: { limit: 4096, swap: 4096 } }, v2: ['memory.max=4096', 'memory.swap.max=0'] },
  { resources: { cpu: { quota: -1 } }, v2: ['cpu.max=max 100000'], v1: ['cpu.cfs_quota_us=-1'] },
  { resources: { cpu: { quota: 2000 } }, v2: ['cpu.max=2000 100000'] },
  { resources: { cpu: { period: 2000 } }, v2: ['cpu.max=max 2000'] },
]

for (const { resources, v2, v1 } of values) {
  const text = JSON.stringify(resources, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  test(`limits ${text}`, (t) => {
    const written = (cgroups: typeof V2) =>
      cgroup({ linux: { resources }, facts: { cgroups } })?.hierarchies.flatMap(({ writes = [] }) =>
        writes.map(({ file, value }) => `${file}=${value}`),
      )
    t.deepEqual(written(V2), [...v2])
    if (v1) t.deepEqual(written(V1), [...v1])
  })
}

test('shares become weights on runc’s curve', (t) => {
  const points: readonly (readonly [number, number])[] = [
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262143, 10000],
    [262144, 10000],
    [1e9, 10000],
  ]
  for (const [shares, weight] of points) t.is(sharesToWeight(shares), weight, String(shares))
})

test('unified values come last, with their controllers', (t) => {
  t.deepEqual(
    cgroup({ linux: { resources: { pids: { limit: 1 }, unified: { 'memory.high': '5', 'cgroup.freeze': '0' } } } })
      ?.hierarchies[0]?.writes,
    [
      { file: 'pids.max', value: '1' },
      { file: 'memory.high', value: '5' },
      { file: 'cgroup.freeze', value: '0' },
    ],
  )
})

const refused: readonly { readonly resources: object; readonly cgroups?: typeof V2; readonly message: string }[] = [
  {
    resources: { memory: { limit: 1 } },
    cgroups: [],
    message: 'linux.resources.memory: no cgroup controller memory here',
  },
  { resources: { cpu: { cpus: '0' } }, cgroups: V1, message: 'linux.resources.cpu: no cgroup controller cpuset here' },
  { resources: { memory: { swap: 5 } }, message: 'linux.resources.memory.swap: needs a limit of memory too' },
  {
    resources: { memory: { limit: 9, swap: 5 } },
    message: 'linux.resources.memory.swap: 5, memory and swap together, is less than the limit 9',
  },
  {
    resources: { unified: { 'memory.high': '5' } },
    cgroups: HYBRID,
    message: 'linux.resources.unified["memory.high"]: needs cgroup v2 alone',
  },
  {
    resources: { unified: { 'io.max': '5' } },
    message: 'linux.resources.unified["io.max"]: no cgroup controller io here',
  },
  {
    resources: { unified: { 'memory.high/../../x': '5' } },
    message: 'linux.resources.unified["memory.high/../../x"]: expected the name of a file such as memory.high',
  },
]

for (const { resources, cgroups = V2, message } of refused) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => cgroup({ linux: { resources }, facts: { cgroups } }), { name: 'PlanError', message })
  })
}

test('a machine without cgroups runs what asks for none', (t) => {
  t.is(cgroup({ facts: { cgroups: [] } }), undefined)
  t.throws(() => cgroup({ facts: { cgroups: [] }, linux: { cgroupsPath: '/a' } }), {
    message: 'linux.cgroupsPath: no cgroup hierarchy is mounted',
  })
})

test('an unprivileged user goes on without a cgroup, unless one is asked for', (t) => {
  t.true(cgroup(rootless())?.optional)
  t.false(cgroup(rootless({ linux: { resources: { pids: { limit: 5 } } } }))?.optional)
  t.false(cgroup(rootless({ linux: { cgroupsPath: 'a' } }))?.optional)
  t.true(cgroup({ facts: { ...ROOT, inUserNamespace: true } })?.optional)
  t.false(cgroup()?.optional)
})

test('an unprivileged user enables what the limits need: more may not be delegated', (t) => {
  t.deepEqual(cgroup(rootless({ linux: { resources: { pids: { limit: 5 } } } }))?.hierarchies[0]?.controllers, ['pids'])
})

test('devices: nothing, then the config’s rules, then the defaults', (t) => {
  const rules = cgroup({
    linux: { resources: { devices: [{ allow: true, type: 'c', major: 10, minor: -1, access: 'r' }] } },
  })
  t.deepEqual(rules?.devices.slice(0, 3), [
    { allow: false, kind: 'a', access: 'rwm' },
    { allow: true, kind: 'c', major: 10, access: 'r' },
    { allow: true, kind: 'c', access: 'm' },
  ])
  t.deepEqual(
    cgroup({ linux: { resources: { devices: [{ allow: false, access: 'rwm' }] } } })?.devices,
    cgroup()?.devices,
  )
  t.is(cgroup()?.devices.length, 12)
})

test('devices: a privileged container’s rule stands', (t) => {
  t.deepEqual(cgroup({ linux: { resources: { devices: [{ allow: true, access: 'rwm' }] } } })?.devices[0], {
    allow: true,
    kind: 'a',
    access: 'rwm',
  })
})

test('devices: none for an unprivileged user, and an error where some are asked for', (t) => {
  const rules = { resources: { devices: [{ allow: false }] } }
  t.deepEqual(cgroup(rootless())?.devices, [])
  t.throws(() => cgroup(rootless({ linux: rules })), {
    message: 'linux.resources.devices: an unprivileged user can’t restrict devices',
  })
  t.deepEqual(cgroup(rootless({ linux: rules, facts: { ...USER, inUserNamespace: true } }))?.devices, [])
})
