import test from 'ava'
import { type Changes, names, plan, rootless, steps, USER } from './fixtures.js'

test('new and joined namespaces', (t) => {
  const made = plan({
    linux: {
      namespaces: [{ type: 'mount', path: '' }, { type: 'network', path: '/run/netns/a' }, { type: 'time' }],
      timeOffsets: { monotonic: { secs: 86400 }, boottime: { secs: -9007199254740993n, nanosecs: 5 } },
    },
  })
  t.deepEqual(made.init.namespaces, [{ kind: 'mount' }, { kind: 'network', path: '/run/netns/a' }, { kind: 'time' }])
  t.deepEqual(made.init.timeOffsets, ['monotonic 86400 0', 'boottime -9007199254740993 5'])
  t.false(names(made).includes('loopbackUp'), 'a joined network namespace is its owner’s')
})

test('without a mount namespace there is no container', (t) => {
  t.throws(() => plan({ linux: { namespaces: [] } }), {
    name: 'UnsupportedError',
    message: 'linux.namespaces: a container without a mount namespace is not supported',
  })
})

test('a caller without privileges is told what is missing', (t) => {
  t.throws(() => plan({ facts: USER }), {
    name: 'PlanError',
    message:
      'linux.namespaces: user 1000 is not privileged and needs a user namespace: add one of type user, with uidMappings and gidMappings',
  })
})

const own = { containerID: 0, hostID: 1000, size: 1 }
const ownGroup = { containerID: 0, hostID: 100, size: 1 }
const range = { containerID: 1, hostID: 100000, size: 65536 }

const maps: readonly { readonly name: string; readonly changes: Changes; readonly expected: object }[] = [
  {
    name: 'root writes any map',
    changes: {
      facts: { capabilities: [6, 7, 21] },
      linux: { uidMappings: [range], gidMappings: [range] },
      process: { user: { uid: 1, gid: 1 } },
    },
    expected: { helpers: false, denySetgroups: false },
  },
  {
    name: 'a user writes the map of their own ids, and gives groups up',
    changes: {},
    expected: { helpers: false, denySetgroups: true },
  },
  {
    name: 'ranges take the helpers',
    changes: { linux: { uidMappings: [own, range], gidMappings: [ownGroup, range] } },
    expected: { helpers: true, denySetgroups: false },
  },
  {
    name: 'somebody else’s id takes the helpers',
    changes: { linux: { uidMappings: [{ ...own, hostID: 1001 }] } },
    expected: { helpers: true, denySetgroups: false },
  },
  {
    name: 'a root without capabilities is like a user',
    changes: { facts: { euid: 0, egid: 0 } },
    expected: { helpers: true, denySetgroups: false },
  },
]

for (const { name, changes, expected } of maps) {
  test(name, (t) => {
    const { helpers, denySetgroups } = plan(rootless(changes)).init.idMaps ?? {}
    t.deepEqual({ helpers, denySetgroups }, expected)
  })
}

test('a map is written as it stands', (t) => {
  const { idMaps } = plan(rootless({ linux: { uidMappings: [own, range], gidMappings: [ownGroup] } })).init
  t.deepEqual(idMaps?.uids, [
    { inside: 0, outside: 1000, size: 1 },
    { inside: 1, outside: 100000, size: 65536 },
  ])
})

test('a joined user namespace has its map', (t) => {
  t.is(
    plan({ linux: { namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/7/ns/user' }] } }).init.idMaps,
    undefined,
  )
})

test('sources are taken before the user namespace only with privilege', (t) => {
  t.true(plan().init.sourcesFirst)
  t.false(plan(rootless()).init.sourcesFirst)
})

const unmapped = [
  { process: { user: { uid: 7, gid: 0 } }, message: 'process.user.uid: uid 7 is not mapped in linux.uidMappings' },
  { process: { user: { uid: 0, gid: 7 } }, message: 'process.user.gid: gid 7 is not mapped in linux.gidMappings' },
  {
    process: { user: { uid: 0, gid: 0, additionalGids: [0, 7] } },
    message: 'process.user.additionalGids[1]: gid 7 is not mapped in linux.gidMappings',
  },
  {
    config: { mounts: [{ destination: '/dev/pts', type: 'devpts', options: ['gid=5'] }] },
    message: 'mounts[0].options: gid 5 is not mapped in linux.gidMappings',
  },
  {
    process: { user: { uid: 0, gid: 0, additionalGids: [0] } },
    message: 'process.user.additionalGids: an unprivileged user with a single gid can’t set groups',
  },
]

for (const { message, ...changes } of unmapped) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => plan(rootless(changes)), { name: 'PlanError', message })
  })
}

test('groups are set exactly, except where they are denied', (t) => {
  const groups = (changes: Changes) => {
    const [step] = steps(plan(changes), 'credentials')
    return step && typeof step !== 'string' && 'credentials' in step ? step.credentials.groups : 'none'
  }
  t.deepEqual(groups({}), [])
  t.deepEqual(groups({ process: { user: { uid: 0, gid: 0, additionalGids: [4, 27] } } }), [4, 27])
  t.is(groups(rootless()), undefined)
})
