import test from 'ava'
import type { CgroupPlan } from '../../src/host/plan.js'
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
  t.deepEqual(paths('', HYBRID), ['c1', 'own/c1', 'own/c1', 'own/c1', 'c1'])
  t.deepEqual(paths('a', [{ mount: '/sys/fs/cgroup', version: 2, controllers: [], own: '/' }]), ['a'])
})

const wrongPaths = [
  { path: '/a/../../b', message: 'linux.cgroupsPath: /a/../../b contains ..' },
  { path: '/', message: 'linux.cgroupsPath: the root cgroup is not a container’s own' },
  {
    path: 'system.slice:gantry:c1',
    message: 'linux.cgroupsPath: system.slice:gantry:c1 is for the systemd cgroup driver: --systemd-cgroup',
  },
]

for (const { path, message } of wrongPaths) {
  test(`refused: ${message}`, (t) => {
    t.is(t.throws(() => cgroup({ linux: { cgroupsPath: path } }))?.message, message)
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

const rooted = (options: readonly string[], namespaces = ['user', 'mount', 'cgroup'], hostID = 100_000): Changes => ({
  config: { mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options }] },
  linux: {
    namespaces: namespaces.map((type) => ({ type })),
    ...(namespaces.includes('user') && {
      uidMappings: [{ containerID: 0, hostID, size: 1 }],
      gidMappings: [{ containerID: 0, hostID, size: 1 }],
    }),
  },
})

test('the cgroup is the container’s root’s own where that can see and write it', (t) => {
  const owner = (changes: Changes) => cgroup(changes)?.delegation?.owner
  t.is(owner(rooted([])), 100_000)
  t.is(owner(rooted(['ro', 'rw'])), 100_000)
  t.is(owner(rooted(['nosuid', 'ro'])), undefined)
  t.is(owner(rooted([], ['user', 'mount'])), undefined)
  t.is(owner(rooted([], ['mount', 'cgroup'])), undefined)
  t.is(owner(rooted([], undefined, 0)), undefined)
  t.is(owner({ ...rooted([]), facts: { cgroups: HYBRID } }), undefined)
})

const delegating = (below: string): Changes => ({ config: { annotations: { 'run.oci.delegate-cgroup': below } } })

test('an annotation hands a cgroup below over', (t) => {
  t.deepEqual(cgroup(delegating('payload'))?.delegation, { below: 'payload' })
  t.is(cgroup(delegating(''))?.delegation, undefined)
  const { config, ...rest } = rooted([])
  t.deepEqual(cgroup({ ...rest, config: { ...config, ...delegating('a/b').config } })?.delegation, {
    below: 'a/b',
    owner: 100_000,
  })
})

test('a group below the scope of systemd is where the processes are, and what is delegated is below that', (t) => {
  const annotations = { 'run.oci.systemd.subgroup': 'container' }
  const request = { systemdCgroup: true }
  t.deepEqual(cgroup({ config: { annotations }, request })?.delegation, { below: 'container' })
  const both = { ...annotations, 'run.oci.delegate-cgroup': 'payload' }
  t.deepEqual(cgroup({ config: { annotations: both }, request })?.delegation, { below: 'container/payload' })
  t.is(cgroup({ config: { annotations: { 'run.oci.systemd.subgroup': '' } } })?.delegation, undefined)
  for (const [changes, message] of [
    [{ config: { annotations } }, 'is for the systemd cgroup driver: --systemd-cgroup'],
    [{ config: { annotations }, request, facts: { cgroups: V1 } }, 'needs cgroup v2 alone'],
    [
      { config: { annotations: { 'run.oci.systemd.subgroup': '..' } }, request },
      'expected the name of a cgroup such as payload, found ".."',
    ],
  ] as const) {
    t.throws(() => cgroup(changes), {
      name: 'PlanError',
      message: `annotations["run.oci.systemd.subgroup"]: ${message}`,
    })
  }
})

for (const [below, cgroups, message] of [
  ['../up', V2, 'expected the name of a cgroup such as payload, found "../up"'],
  ['/a', V2, 'expected the name of a cgroup such as payload, found "/a"'],
  ['a', HYBRID, 'needs cgroup v2 alone'],
  ['a', [], 'needs cgroup v2 alone'],
] as const) {
  test(`refused: a delegated cgroup ${below} on ${cgroups.length} hierarchies`, (t) => {
    t.throws(() => cgroup({ ...delegating(below), facts: { cgroups } }), {
      name: 'PlanError',
      message: `annotations["run.oci.delegate-cgroup"]: ${message}`,
    })
  })
}
