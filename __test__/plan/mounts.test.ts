import test from 'ava'
import type { Mount } from '../../src/host/plan.js'
import { type Changes, HYBRID, mountsOf, plan, ROOT, rootless, steps, V1, V2 } from './fixtures.js'

function mounted(mount: object, changes: Changes = {}): Mount | undefined {
  return mountsOf(plan({ ...changes, config: { mounts: [mount] } }))[0]
}

const CGROUP = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] }

const IDS = {
  uidMappings: [{ containerID: 0, hostID: 1, size: 2 }],
  gidMappings: [{ containerID: 3, hostID: 4, size: 5 }],
}

/** {@link IDS} in a plan. */
const OWN = { uids: [{ inside: 0, outside: 1, size: 2 }], gids: [{ inside: 3, outside: 4, size: 5 }] }

function userNamespace(): Changes {
  return {
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
      gidMappings: [
        { containerID: 0, hostID: 2000, size: 5 },
        { containerID: 5, hostID: 3000, size: 10 },
      ],
    },
  }
}

test('a file system: options of the mount are attributes, all others are its own', (t) => {
  const options = ['nosuid', 'strictatime', 'mode=755', 'size=64k', 'huge', 'rslave', 'tmpcopyup']
  t.deepEqual(mounted({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options }), {
    target: '/data',
    what: {
      filesystem: {
        kind: 'tmpfs',
        parameters: [
          { name: 'source', value: 'tmpfs' },
          { name: 'mode', value: '755' },
          { name: 'size', value: '64k' },
          { name: 'huge' },
        ],
      },
    },
    set: ['nosuid', 'strictatime'],
    propagation: [{ to: 'slave', recursive: true }],
    special: ['copyUp'],
  })
})

test('proc and sysfs want a real directory', (t) => {
  t.deepEqual(mounted({ destination: '/proc', type: 'proc' })?.special, ['realDirectory'])
  t.deepEqual(mounted({ destination: '/sys', type: 'sysfs' })?.special, ['realDirectory'])
})

test('a relative destination starts at the root, a relative source at the bundle', (t) => {
  const mount = mounted({ destination: 'data', type: 'none', source: 'd', options: ['rbind'] })
  t.is(mount?.target, '/data')
  t.deepEqual(mount?.what, { bind: { source: '/bundle/d', recursive: true } })
})

test('Docker’s files of a container', (t) => {
  const mount = mounted({
    destination: '/etc/hosts',
    type: 'bind',
    source: '/d/hosts',
    options: ['rbind', 'rprivate', 'ro'],
  })
  t.deepEqual(mount?.what, { bind: { source: '/d/hosts', recursive: true } })
  t.deepEqual(mount?.set, ['ro'])
  t.deepEqual(mount?.propagation, [{ to: 'private', recursive: true }])
})

test('the directory of the sd_notify socket comes after the config’s mounts', (t) => {
  const mount = mountsOf(
    plan({ request: { notify: true }, config: { mounts: [{ destination: '/run', type: 'tmpfs' }] } }),
  )[1]
  t.is(mount?.target, '/run/notify')
  t.deepEqual(mount?.what, { bind: { source: '/run/gantry/c1/notify', recursive: false } })
  t.deepEqual(mount?.set, ['nosuid', 'noexec', 'nodev', 'ro'])
})

test('a read-only tmpfs or /dev is read-only once everything is in it, others at once', (t) => {
  for (const [mount, late] of [
    [{ destination: '/data', type: 'tmpfs', options: ['ro'] }, true],
    [{ destination: '/dev/', type: 'devtmpfs', options: ['ro'] }, true],
    [{ destination: '/data', type: 'mqueue', options: ['ro'] }, false],
  ] as const) {
    const planned = mounted(mount)
    t.deepEqual(planned?.set, late ? [] : ['ro'])
    t.deepEqual(planned?.special, late ? ['readonlyLast'] : undefined)
    t.is(steps(plan({ config: { mounts: [mount] } }), 'readonlyMounts').length, late ? 1 : 0)
  }
})

test('a remount changes what is there: attributes, and without bind the file system', (t) => {
  const mount = mounted({ destination: '/dev/shm', options: ['remount', 'ro', 'rnosuid', 'size=1m', 'async'] })
  t.deepEqual(mount?.what, { existing: { parameters: [{ name: 'size', value: '1m' }, { name: 'async' }] } })
  t.deepEqual([mount?.set, mount?.setRecursively], [['ro'], ['nosuid']])
})

test('a mount over the root, however that is written', (t) => {
  for (const destination of ['/', '.', '/a/..', '//'])
    t.is(mounted({ destination, source: '/b', options: ['bind'] })?.target, '/')
})

test('options of crun for links', (t) => {
  const link = (...options: string[]): unknown =>
    mounted({ destination: '/a', source: '/b', options: ['bind', ...options] })
  t.like(link('src-nofollow'), { what: { bind: { source: '/b', recursive: false, link: 'bind' } } })
  t.like(link('copy-symlink', 'dest-nofollow'), { what: { bind: { link: 'copy' } }, special: ['overLink'] })
})

const mappedIds: readonly {
  readonly title: string
  readonly mount: object
  readonly changes?: Changes
  readonly idMap: object
}[] = [
  {
    title: 'those of the mount',
    mount: { options: ['rbind', 'ridmap'], ...IDS },
    idMap: { ids: { ranges: OWN }, recursive: true },
  },
  {
    title: 'those of the mount, without the option',
    mount: { options: ['bind'], ...IDS },
    idMap: { ids: { ranges: OWN }, recursive: false },
  },
  {
    title: "those of the container's user namespace",
    mount: { options: ['bind', 'idmap'] },
    changes: userNamespace(),
    idMap: {
      ids: {
        ranges: {
          uids: [{ inside: 0, outside: 1000, size: 10 }],
          gids: [
            { inside: 0, outside: 2000, size: 5 },
            { inside: 5, outside: 3000, size: 10 },
          ],
        },
      },
      recursive: false,
    },
  },
  {
    title: 'those of a user namespace that is joined',
    mount: { options: ['bind', 'idmap'] },
    changes: { linux: { namespaces: [{ type: 'mount' }, { type: 'user', path: '/proc/1/ns/user' }] } },
    idMap: { ids: { namespace: { path: '/proc/1/ns/user' } }, recursive: false },
  },
  {
    title: "those in crun's option, before the mount's",
    mount: { options: ['rbind', 'ridmap=uids=0-1-10#10-11-10;gids=0-100-10'], ...IDS },
    idMap: {
      ids: {
        ranges: {
          uids: [
            { inside: 0, outside: 1, size: 10 },
            { inside: 10, outside: 11, size: 10 },
          ],
          gids: [{ inside: 0, outside: 100, size: 10 }],
        },
      },
      recursive: true,
    },
  },
  {
    // crun(1) has nearly this as its example.
    title: "those in crun's option, relative to the container's",
    mount: { options: ['bind', 'idmap=uids=@1-3-10;gids=@6-0-1'] },
    changes: userNamespace(),
    idMap: {
      ids: {
        ranges: { uids: [{ inside: 1, outside: 1003, size: 10 }], gids: [{ inside: 6, outside: 2995, size: 1 }] },
      },
      recursive: false,
    },
  },
]

for (const { title, mount, changes, idMap } of mappedIds) {
  test(`the ids of a mount: ${title}`, (t) => {
    t.deepEqual(mounted({ destination: '/a', source: '/b', ...mount }, changes)?.idMap, idMap)
  })
}

test('an id-mapped mount needs privileges', (t) => {
  const mount = { destination: '/a', source: '/b', options: ['bind', 'idmap'] }
  t.is(
    t.throws(() => mounted(mount, rootless()))?.message,
    'mounts[0].options: an id-mapped mount needs privileges over its file system',
  )
})

const refused: readonly { readonly mount: object; readonly message: string }[] = [
  {
    mount: { destination: '/a', options: ['bind'] },
    message: 'mounts[0].source: expected the path to bind, found nothing',
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'mode=755'] },
    message: "mounts[0].options: a bind can't have the option mode",
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'sync'] },
    message: "mounts[0].options: a bind can't have the option sync",
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'tmpcopyup'] },
    message: "mounts[0].options: a bind can't have the option tmpcopyup",
  },
  {
    mount: { destination: '/a', type: 'proc', options: ['tmpcopyup'] },
    message: 'mounts[0].options: tmpcopyup is for a tmpfs',
  },
  {
    mount: { destination: '/x/../proc', type: 'tmpfs' },
    message: 'mounts[0].type: only proc can be mounted on /proc, found tmpfs',
  },
  {
    mount: { destination: '/proc', source: '/fake', options: ['bind'] },
    message: 'mounts[0].source: only /proc can be bound on /proc, found /fake',
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'iversion'] },
    message: "mounts[0].options: a bind can't have the option iversion",
  },
  {
    mount: { destination: '/a', options: ['remount', 'bind', 'sync'] },
    message: "mounts[0].options: a remount can't have the option sync",
  },
  {
    mount: { destination: '/a', options: ['remount', 'idmap'], ...IDS },
    message: 'mounts[0].options: what is mounted already cannot get other ids',
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'idmap'] },
    message:
      'mounts[0].options: an id-mapped mount needs uidMappings and gidMappings, or a user namespace in linux.namespaces',
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'idmap=uids=0-1'] },
    message: 'mounts[0].options: expected idmap=uids=0-1000-10;gids=0-1000-10, found idmap=uids=0-1',
  },
  {
    mount: { destination: '/a', source: '/b', options: ['bind', 'idmap=uids=0-1-1;gids=@0-1-1'] },
    message: 'mounts[0].options: id 0 of @0-1-1 is not mapped in the container',
  },
  {
    mount: { destination: '/a', type: 'tmpfs', options: ['dest-nofollow'] },
    message: 'mounts[0].options: dest-nofollow, src-nofollow and copy-symlink are for a bind',
  },
  {
    mount: { ...CGROUP, options: ['idmap'], ...IDS },
    message: 'mounts[0].options: a cgroup file system cannot be id-mapped',
  },
]

for (const { mount, message } of refused) {
  test(`refused: ${message}`, (t) => {
    t.is(t.throws(() => mounted(mount))?.message, message)
  })
}

test('cgroup on v2 is a new cgroup2', (t) => {
  const mount = mounted(CGROUP)
  t.deepEqual(mount?.what, { filesystem: { kind: 'cgroup2', parameters: [{ name: 'source', value: 'cgroup' }] } })
  t.deepEqual(mount?.set, ['nosuid', 'ro'])
})

test('cgroup on v2 has the options of the host’s, which are those of all mounts of it', (t) => {
  const cgroups = V2.map((hierarchy) => ({ ...hierarchy, options: ['nsdelegate', 'memory_recursiveprot'] }))
  t.deepEqual(mounted(CGROUP, { facts: { cgroups } })?.what, {
    filesystem: {
      kind: 'cgroup2',
      parameters: [{ name: 'source', value: 'cgroup' }, { name: 'nsdelegate' }, { name: 'memory_recursiveprot' }],
    },
  })
})

test('cgroup on v2 in a user namespace with the host’s cgroup namespace is a view of the own cgroup alone', (t) => {
  t.deepEqual(mounted(CGROUP, rootless())?.what, {
    bind: { source: '/sys/fs/cgroup/user.slice/shell', recursive: true },
  })
  const own = rootless({})
  t.deepEqual(
    mounted(CGROUP, {
      ...own,
      linux: { ...own.linux, namespaces: [{ type: 'user' }, { type: 'mount' }, { type: 'cgroup' }] },
    })?.what,
    { filesystem: { kind: 'cgroup2', parameters: [{ name: 'source', value: 'cgroup' }] } },
  )
})

test('cgroup on v1 is a tmpfs with the container’s directory of each hierarchy, and links', (t) => {
  const made = plan({ config: { mounts: [CGROUP] }, facts: { cgroups: V1 } })
  t.deepEqual(
    mountsOf(made).map(({ target, what, set }) => [
      target,
      'bind' in what ? what.bind.source : 'filesystem' in what && what.filesystem.kind,
      set,
    ]),
    [
      ['/sys/fs/cgroup', 'tmpfs', ['nosuid', 'nodev', 'noexec']],
      ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct/c1', ['nosuid', 'ro']],
      ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/memory/own/c1', ['nosuid', 'ro']],
      ['/sys/fs/cgroup/pids', '/sys/fs/cgroup/pids/own/c1', ['nosuid', 'ro']],
      ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/systemd/own/c1', ['nosuid', 'ro']],
    ],
  )
  t.deepEqual(steps(made, 'link').slice(0, 2), [
    { link: { target: 'cpu,cpuacct', path: '/sys/fs/cgroup/cpu' } },
    { link: { target: 'cpu,cpuacct', path: '/sys/fs/cgroup/cpuacct' } },
  ])
  t.deepEqual(steps(made, 'readonlyMounts'), ['readonlyMounts'], 'once everything is in it')
})

test('cgroup on v1 in a new cgroup namespace is an instance of each hierarchy', (t) => {
  const made = plan({
    config: { mounts: [{ ...CGROUP, options: [] }] },
    linux: { namespaces: [{ type: 'mount' }, { type: 'cgroup' }] },
    facts: { cgroups: HYBRID },
  })
  t.deepEqual(
    mountsOf(made)
      .slice(1)
      .map(({ what }) => 'filesystem' in what && what.filesystem.parameters.slice(1)),
    [
      [{ name: 'cpu' }, { name: 'cpuacct' }],
      [{ name: 'memory' }],
      [{ name: 'pids' }],
      [{ name: 'none' }, { name: 'name', value: 'systemd' }],
      [],
    ],
  )
  t.deepEqual(steps(made, 'readonlyMounts'), [])
})

test('an unprivileged user, who may get no cgroup, sees the caller’s', (t) => {
  const made = plan(rootless({ config: { mounts: [CGROUP] }, facts: { cgroups: V1 } }))
  const memory = mountsOf(made)[2]
  t.deepEqual(memory?.what, { bind: { source: '/sys/fs/cgroup/memory/own', recursive: true } })
})

test('default devices and links, and those of the config', (t) => {
  const made = plan({
    linux: {
      devices: [
        { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o20600, uid: 5, gid: 6 },
        { path: '/dev/pipe', type: 'p' },
      ],
    },
  })
  t.deepEqual(
    steps(made, 'device').map((step) => typeof step !== 'string' && 'device' in step && step.device.path),
    ['/dev/random', '/dev/full', '/dev/tty', '/dev/zero', '/dev/urandom', '/dev/null', '/dev/pipe'],
  )
  t.deepEqual(steps(made, 'device')[5], {
    device: { path: '/dev/null', kind: 'c', major: 1, minor: 3, mode: 0o600, uid: 5, gid: 6 },
  })
})

test('in a user namespace devices are the host’s', (t) => {
  const fuse = { path: '/dev/fuse', type: 'c', major: 10, minor: 229 }
  const made = plan(rootless({ linux: { devices: [{ ...fuse, path: '/dev/f', fileMode: 0o20660 }, fuse] } }))
  t.deepEqual(steps(made, 'device'), [])
  t.deepEqual(steps(made, 'hostDevice').slice(-2), [
    { hostDevice: { path: '/dev/f', kind: 'c', major: 10, minor: 229, mode: 0o660 } },
    { hostDevice: { path: '/dev/fuse', kind: 'c', major: 10, minor: 229 } },
  ])
  t.is(steps(plan({ facts: { ...ROOT, inUserNamespace: true } }), 'hostDevice').length, 6)
})

test('the host’s /dev is left as it is', (t) => {
  const made = plan({
    config: { mounts: [{ destination: '/dev/', source: '/dev', options: ['rbind'] }] },
    linux: {
      devices: [
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229 },
        { path: '/x', type: 'p' },
      ],
    },
  })
  t.deepEqual(steps(made, 'link'), [])
  t.is(steps(made, 'device').length, 1)
})
