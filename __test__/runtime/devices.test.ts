/** Devices: the nodes in /dev, and which may be opened. */
import { existsSync, statSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Spec } from '../harness/spec.js'

behaviour('the default devices are there, with their numbers and modes', { runtimes: everyone }, async (t, session) => {
  const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
  const output = await session.outputOf([
    'stat',
    '-c',
    '%n %F %t:%T %a %u:%g',
    ...devices.map((name) => `/dev/${name}`),
  ])
  t.deepEqual(output.trimEnd().split('\n'), [
    '/dev/null character special file 1:3 666 0:0',
    '/dev/zero character special file 1:5 666 0:0',
    '/dev/full character special file 1:7 666 0:0',
    '/dev/random character special file 1:8 666 0:0',
    '/dev/urandom character special file 1:9 666 0:0',
    '/dev/tty character special file 5:0 666 0:0',
  ])
})

behaviour('the default devices work', { runtimes: everyone }, async (t, session) => {
  const script = 'echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c; echo x >/dev/full'
  session.bundle({ args: ['sh', '-c', script] })
  const { stdout, stderr } = await session.run(['run', session.id()])
  t.is(stdout, '4\n4\n')
  t.regex(stderr, /No space left/)
})

behaviour('the links in /dev are there', { runtimes: everyone }, async (t, session) => {
  const output = await session.outputOf([
    'sh',
    '-c',
    'for l in fd stdin stdout stderr ptmx; do echo $l $(readlink /dev/$l); done',
  ])
  t.is(
    output,
    'fd /proc/self/fd\nstdin /proc/self/fd/0\nstdout /proc/self/fd/1\nstderr /proc/self/fd/2\nptmx pts/ptmx\n',
  )
})

behaviour('devices of the config are made with their owner and mode', { runtimes: everyone }, async (t, session) => {
  const output = await session.outputOf(
    ['stat', '-c', '%n %F %t:%T %a %u:%g', '/dev/mine', '/dev/deep/er', '/dev/pipe', '/dev/disk'],
    (spec) => {
      spec.linux.devices = [
        { type: 'c', path: '/dev/mine', major: 10, minor: 229, fileMode: 0o642, uid: 1000, gid: 50 },
        { type: 'u', path: '/dev/deep/er', major: 1, minor: 3, fileMode: 0o600 },
        { type: 'p', path: '/dev/pipe', fileMode: 0o620 },
        { type: 'b', path: '/dev/disk', major: 7, minor: 5, fileMode: 0o660, gid: 6 },
      ]
    },
  )
  t.deepEqual(output.trimEnd().split('\n'), [
    '/dev/mine character special file a:e5 642 1000:50',
    '/dev/deep/er character special file 1:3 600 0:0',
    '/dev/pipe fifo 0:0 620 0:0',
    '/dev/disk block special file 7:5 660 0:6',
  ])
})

behaviour('the umask of the caller does not narrow devices', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['stat', '-c', '%a', '/dev/null', '/dev/mine'],
    edit: (spec) => (spec.linux.devices = [{ type: 'c', path: '/dev/mine', major: 1, minor: 3, fileMode: 0o666 }]),
  })
  const command = ['sh', '-c', 'umask 0077; exec "$@"', 'sh', ...session.commandLine(['run', session.id()])]
  t.is((await session.start(command, { env: session.runtime.env }).finished).stdout, '666\n666\n')
})

behaviour('a file in the way of a device, and not that device, is an error', { runtimes: ours }, async (t, session) => {
  // The runtime-spec asks for it; runc takes whatever is there.
  session.bundle({
    edit: (spec) => (spec.linux.devices = [{ type: 'c', path: '/opt/mine', major: 1, minor: 3 }]),
    rootfs: (rootfs) => session.shellSync('mkdir opt; mknod opt/mine c 1 5', rootfs),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /\/opt\/mine/)
})

behaviour('a device that is there already is taken', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['stat', '-c', '%t:%T', '/opt/mine'],
    edit: (spec) => (spec.linux.devices = [{ type: 'c', path: '/opt/mine', major: 1, minor: 5 }]),
    rootfs: (rootfs) => session.shellSync('mkdir opt; mknod opt/mine c 1 5', rootfs),
  })
  t.is(await session.ok(['run', session.id()]), '1:5\n')
})

/** Tries to open devices that a container with CAP_MKNOD makes by itself. */
const opens = `cd /tmp; for d in "b 7 0" "b 8 0" "c 1 1" "c 1 2" "c 1 3" "c 10 229"; do
  mknod node $d && { head -c 0 node 2>/dev/null && : <node && echo "$d open" || echo "$d closed"; rm node; }; done 2>/dev/null`

function mayMknod(spec: Spec): void {
  const capabilities = ['CAP_MKNOD']
  spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
}

const onlyNull = 'b 7 0 closed\nb 8 0 closed\nc 1 1 closed\nc 1 2 closed\nc 1 3 open\nc 10 229 closed\n'
// The config that `spec` writes; without any rule runc 1.1 allows everything.
const denyAll = { allow: false, access: 'rwm' }

for (const [title, devices] of [
  ['only the default devices can be opened', [denyAll]],
  [
    'a rule for one device leaves all others closed',
    [denyAll, { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }],
  ],
] as const) {
  // GHSA-g54h-m393-cpwq: the list taken for one of denials.
  behaviour(title, { view: 'v1' }, async (t, session) => {
    t.is(
      await session.outputOf(['sh', '-c', opens], (spec) => {
        mayMknod(spec)
        spec.linux.resources = { devices }
      }),
      onlyNull,
    )
  })
}

for (const [title, resources] of [
  ['a config without device rules opens the default devices only', undefined],
  ['a config with an empty list of device rules opens the default devices only', { devices: [] }],
] as const) {
  for (const view of [undefined, 'v2'] as const) {
    behaviour(
      `${title}${view ? ', on v2 as well' : ''}`,
      { runtimes: ours, ...(view && { view }) },
      async (t, session) => {
        t.is(
          await session.outputOf(['sh', '-c', opens], (spec) => {
            mayMknod(spec)
            if (resources) spec.linux.resources = resources
          }),
          onlyNull,
        )
      },
    )
  }
}

behaviour(
  'a device that a rule allows can be opened',
  { unless: existsSync('/dev/fuse') ? undefined : 'no /dev/fuse here' },
  async (t, session) => {
    const script = 'mknod /tmp/fuse c 10 229 && : </tmp/fuse && echo open; (: >/tmp/fuse) 2>&1; true'
    const output = await session.outputOf(['sh', '-c', script], (spec) => {
      mayMknod(spec)
      spec.linux.resources = { devices: [denyAll, { allow: true, type: 'c', major: 10, minor: 229, access: 'rm' }] }
    })
    t.regex(output, /^open\n.*Operation not permitted/)
  },
)

for (const [title, rule] of [
  ['all devices', { allow: true, access: 'rwm' }],
  ['all character devices', { allow: true, type: 'c', access: 'rwm' }],
] as const) {
  for (const view of ['v1', 'v2'] as const) {
    behaviour(`a privileged container’s rule opens ${title}, on ${view}`, { view }, async (t, session) => {
      const output = await session.outputOf(['sh', '-c', opens], (spec) => {
        mayMknod(spec)
        // The one before it has nothing left to decide.
        spec.linux.resources = { devices: [denyAll, { ...rule, type: 'c', allow: false, major: 10 }, rule] }
      })
      t.regex(output, /^c 10 229 open$/m)
    })
  }
}

behaviour('device rules hold on v2 too', { runtimes: ['gantry', 'node', 'runc'], view: 'v2' }, async (t, session) => {
  t.is(
    await session.outputOf(['sh', '-c', opens], (spec) => {
      mayMknod(spec)
      spec.linux.resources = { devices: [denyAll, { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }] }
    }),
    onlyNull,
  )
})

behaviour("in a user namespace the host's devices are bound, as mknod is not allowed there", {}, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'echo x >/dev/null && head -c 4 /dev/zero | wc -c && stat -c %t:%T /dev/null'],
    edit: (spec) => {
      spec.linux.namespaces.push({ type: 'user' })
      const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
      Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
    },
  })
  session.shellSync('chown -R 100000:100000 rootfs')
  t.is(await session.ok(['run', session.id()]), '4\n1:3\n')
  t.true(existsSync('/dev/null'))
})

behaviour(
  'a device in a user namespace must be the one that the config says, not what the host calls so',
  { runtimes: ours },
  async (t, session) => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    for (const [type, major, minor] of [
      ['c', 1, 5],
      ['b', 1, 3],
    ] as const) {
      session.bundle({
        edit: (spec) => {
          spec.linux.namespaces.push({ type: 'user' })
          Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
          spec.linux.devices = [{ type, path: '/dev/null', major, minor }]
        },
      })
      session.shellSync('chown -R 100000:100000 rootfs')
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(message, /another device.*\/dev\/null/)
    }
  },
)

behaviour(
  "a device in a user namespace has the host's mode: another one is an error",
  { runtimes: ours },
  async (t, session) => {
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
    const mode = statSync('/dev/zero').mode & 0o7777
    for (const [fileMode, code] of [
      [mode, 0],
      [0o600, 1],
    ] as const) {
      session.bundle({
        edit: (spec) => {
          spec.linux.namespaces.push({ type: 'user' })
          Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
          spec.linux.devices = [{ type: 'c', path: '/dev/zero', major: 1, minor: 5, fileMode }]
        },
      })
      session.shellSync('chown -R 100000:100000 rootfs')
      const run = await session.run(['run', session.id()])
      t.is(run.code, code)
      if (code === 1) t.regex(run.message, /another mode than the host's to \/dev\/zero/)
    }
  },
)

behaviour(
  "a /dev that is bound from the host keeps the host's nodes and links",
  { runtimes: likeRunc },
  async (t, session) => {
    const dev = session.directory('dev')
    session.shellSync(`mknod null c 1 3; mknod zero c 1 5; ln -s elsewhere stdin`, dev)
    const output = await session.outputOf(['sh', '-c', 'cd /dev; echo *; readlink stdin'], (spec) => {
      spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
      spec.mounts.push({ destination: '/dev', type: 'bind', source: dev, options: ['rbind'] })
      spec.linux.devices = [{ type: 'c', path: '/dev/mine', major: 1, minor: 3 }]
    })
    t.is(output, 'null stdin zero\nelsewhere\n')
    t.is(session.shellSync('ls', dev), 'null\nstdin\nzero\n')
  },
)
