import test from 'ava'
import type { Mount } from '../../src/host/plan.js'
import { type Changes, HYBRID, mountsOf, plan, ROOT, rootless, steps, V1 } from './fixtures.js'

function mounted(mount: object, changes: Changes = {}): Mount | undefined {
  return mountsOf(plan({ ...changes, config: { mounts: [mount] } }))[0]
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
    copyUp: true,
  })
})

test('proc and sysfs want a real directory', (t) => {
  t.true(mounted({ destination: '/proc', type: 'proc' })?.realDirectory)
  t.true(mounted({ destination: '/sys', type: 'sysfs' })?.realDirectory)
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
    mount: { destination: '/dev', type: 'tmpfs', options: ['ro'] },
    message: 'mounts[0].options: a read-only /dev is not supported yet',
  },
]

for (const { mount, message } of refused) {
  test(`refused: ${message}`, (t) => {
    t.is(t.throws(() => mounted(mount))?.message, message)
  })
}

const CGROUP = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] }

test('cgroup on v2 is a new cgroup2', (t) => {
  const mount = mounted(CGROUP)
  t.deepEqual(mount?.what, { filesystem: { kind: 'cgroup2', parameters: [{ name: 'source', value: 'cgroup' }] } })
  t.deepEqual(mount?.set, ['nosuid', 'ro'])
})

test('cgroup on v2 in a user namespace with the host’s cgroup namespace is the host’s', (t) => {
  t.deepEqual(mounted(CGROUP, rootless())?.what, { bind: { source: '/sys/fs/cgroup', recursive: true } })
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
      'bind' in what ? what.bind.source : what.filesystem.kind,
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
  t.deepEqual(steps(made, 'readonlyPath'), [{ readonlyPath: { path: '/sys/fs/cgroup' } }], 'once everything is in it')
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
  t.deepEqual(steps(made, 'readonlyPath'), [])
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
  const made = plan(rootless({ linux: { devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }] } }))
  t.deepEqual(steps(made, 'device'), [])
  t.deepEqual(steps(made, 'hostDevice').at(-1), { hostDevice: { path: '/dev/fuse' } })
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
