/**
 * Id-mapped mounts: files are shown with other owners than they have. Not on crun: in a user namespace crun 1.8 gives its standard
 * input, the host's /dev/null, to the container's root.
 */
import { statSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { IdMapping, Mount, Spec } from '../harness/spec.js'

const HOST = 100_000

/** Root of the container is user 100000 of the host. */
function inUserNamespace(spec: Spec): void {
  spec.linux.namespaces.push({ type: 'user' })
  const mappings = [{ containerID: 0, hostID: HOST, size: 65_536 }]
  Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
}

/** A directory with a file of user 5 and group 6, and one of root, and a directory with another mount. */
function owned(session: Session): string {
  const source = session.directory('owned')
  session.shellSync('echo >five; chown 5:6 five; echo >root; mkdir inner', source)
  session.through = [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
    `mount -t tmpfs tmpfs ${source}/inner; echo >${source}/inner/five; chown 5:6 ${source}/inner/five; exec "$@"`,
    'sh',
  ]
  return source
}

const own = (containerID: number, hostID: number, size: number): IdMapping[] => [{ containerID, hostID, size }]

const cases: readonly {
  readonly title: string
  readonly options: readonly string[]
  readonly mappings?: Partial<Mount>
  readonly user?: boolean
  /** The owners of five, root and inner/five. */
  readonly sees: string
  readonly runtimes: typeof ours
}[] = [
  {
    title: "idmap takes the ids of the container's user namespace",
    options: ['rbind', 'idmap'],
    user: true,
    sees: '5:6 0:0 65534:65534',
    runtimes: ours,
  },
  {
    title: 'ridmap takes those below too',
    options: ['rbind', 'ridmap'],
    user: true,
    sees: '5:6 0:0 5:6',
    runtimes: ours,
  },
  {
    title: "the mount's own ids come before those of the container",
    options: ['bind', 'idmap'],
    mappings: { uidMappings: own(5, HOST + 7, 1), gidMappings: own(6, HOST + 8, 1) },
    user: true,
    sees: '7:8 65534:65534 none',
    runtimes: ours,
  },
  {
    title: 'a mount has ids without a user namespace too',
    options: ['rbind', 'idmap'],
    mappings: { uidMappings: own(0, 1000, 10), gidMappings: own(0, 50, 10) },
    sees: '1005:56 1000:50 5:6',
    runtimes: ours,
  },
  {
    title: "ids in crun's option",
    options: ['bind', 'idmap=uids=5-105007-1#0-105008-1;gids=0-105000-10'],
    user: true,
    sees: '5007:5006 5008:5000 none',
    runtimes: ours,
  },
  {
    title: "ids in crun's option that are relative to the container's",
    options: ['bind', 'idmap=uids=@0-20-10;gids=@0-30-10'],
    user: true,
    sees: '25:36 20:30 none',
    runtimes: ours,
  },
]

for (const { title, options, mappings, user, sees, runtimes } of cases) {
  behaviour(title, { runtimes }, async (t, session) => {
    const source = owned(session)
    session.bundle({
      args: [
        'sh',
        '-c',
        'echo $(for f in five root inner/five; do stat -c %u:%g /mnt/$f 2>/dev/null || echo none; done)',
      ],
      edit: (spec) => {
        if (user) inUserNamespace(spec)
        spec.mounts.push({ destination: '/mnt', type: 'bind', source, options: [...options], ...mappings })
      },
    })
    if (user) session.shellSync(`chown -R ${HOST}:${HOST} rootfs`)
    t.is(await session.ok(['run', session.id()]), `${sees}\n`)
  })
}

behaviour(
  'what the container makes there belongs to the id of the file system',
  { runtimes: ours },
  async (t, session) => {
    const source = owned(session)
    session.bundle({
      args: ['sh', '-c', 'touch /mnt/new; chown 3:4 /mnt/new'],
      edit: (spec) => {
        inUserNamespace(spec)
        const capabilities = ['CAP_CHOWN']
        spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
        spec.mounts.push({ destination: '/mnt', type: 'bind', source, options: ['bind', 'idmap'] })
      },
    })
    session.shellSync(`chown -R ${HOST}:${HOST} rootfs`)
    await session.ok(['run', session.id()])
    const { uid, gid } = statSync(`${source}/new`)
    t.deepEqual([uid, gid], [3, 4])
  },
)

behaviour('a new file system can be id-mapped', { runtimes: ours }, async (t, session) => {
  const output = await session.outputOf(['stat', '-c', '%u:%g', '/mnt'], (spec) =>
    spec.mounts.push({
      destination: '/mnt',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['idmap', 'uid=3'],
      uidMappings: own(0, 1000, 10),
      gidMappings: own(0, 50, 10),
    }),
  )
  t.is(output, '1003:50\n')
})

const failures: readonly { readonly title: string; readonly mount: Partial<Mount>; readonly message: RegExp }[] = [
  {
    title: 'idmap without ids and without a user namespace is an error',
    mount: { options: ['bind', 'idmap'] },
    message: /user ?ns|user namespace/,
  },
  {
    title: 'one of uidMappings and gidMappings is an error',
    mount: { options: ['bind', 'idmap'], uidMappings: own(0, 1000, 10) },
    message: /gidMappings|mappings|user ?ns|user namespace/,
  },
  {
    title: 'a file system without id-mapped mounts is an error',
    mount: { source: '/proc', options: ['bind', 'idmap'], uidMappings: own(0, 9, 9), gidMappings: own(0, 9, 9) },
    message: /\/proc/,
  },
]

for (const { title, mount, message } of failures) {
  behaviour(title, { runtimes: ours }, async (t, session) => {
    session.bundle({
      edit: (spec) => spec.mounts.push({ destination: '/mnt', type: 'bind', source: '/etc', ...mount }),
    })
    const { code, message: text } = await session.run(['run', session.id()])
    t.is(code, 1)
    t.regex(text, message)
  })
}
