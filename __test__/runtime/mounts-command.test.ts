/** `mounts add` and `mounts remove`: what is mounted in a container that is there. crun has the command, from 1.22 on. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { mounts } from '../harness/machine.js'
import { ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'

type Mount = Spec['mounts'][number]

const inUserNamespace = (spec: Spec): void => {
  spec.linux.namespaces.push({ type: 'user' })
  spec.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
  spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
}

/** What the container sees. */
const see = (session: Session, script: string): Promise<string> =>
  session.ok(['exec', session.id(), 'sh', '-c', script])

function change(session: Session, action: string, list: unknown): Promise<string> {
  return session.ok(['mounts', action, session.id(), session.file('mounts.json', JSON.stringify(list))])
}

/** The mounts that the container's saved configuration has beside those that it was made with. */
function recorded(session: Session): Mount[] {
  const { mounts: all }: Spec = JSON.parse(readFileSync(`${session.root}/${session.id()}/config.json`, 'utf8'))
  const { mounts: first }: Spec = JSON.parse(readFileSync(`${session.cwd}/config.json`, 'utf8'))
  return all.slice(first.length)
}

/** A directory of the host with a file in it. */
function shared(session: Session): string {
  const directory = session.directory('shared')
  writeFileSync(`${directory}/file`, 'from the host\n', { mode: 0o644 })
  return directory
}

for (const [where, edit] of [
  ['', () => undefined],
  [' with a user namespace', inUserNamespace],
] as const) {
  behaviour(`mounts come and go in a running container${where}`, { runtimes: ours }, async (t, session) => {
    session.openToEveryone()
    const rootfs = (path: string): void => chmodSync(`${path}/tmp`, 0o777)
    await inContainer(session, { edit, rootfs }, async () => {
      const bind = { destination: '/tmp/data', source: shared(session), options: ['rbind', 'ro'] }
      const tmpfs = { destination: '/tmp/scratch', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'nosuid'] }
      t.is(await change(session, 'add', [bind, tmpfs]), '')
      t.is(await see(session, 'cat /tmp/data/file; echo x >/tmp/scratch/x && cat /tmp/scratch/x'), 'from the host\nx\n')
      t.regex(await see(session, 'touch /tmp/data/new 2>&1 || true'), /Read-only file system/)
      t.regex(await see(session, 'grep /tmp/scratch /proc/mounts'), /^tmpfs \/tmp\/scratch tmpfs rw,nosuid.*size=64k/)
      t.deepEqual(recorded(session), [bind, tmpfs])

      t.is(await change(session, 'remove', [{ destination: '/tmp/scratch/' }]), '')
      t.is(await see(session, 'grep -c /tmp/scratch /proc/mounts || true'), '0\n')
      t.deepEqual(recorded(session), [bind])
      t.is(await change(session, 'remove', [bind]), '')
      t.is(await see(session, 'ls /tmp/data'), '')
      t.deepEqual(recorded(session), [])
    })
  })
}

behaviour('mounts can be changed while a container waits or is paused', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['cat', '/tmp/data/file'] })
  const directory = shared(session)
  const create = session.spawn(['create', session.id()])
  t.is((await create.finished).code, 0)
  await change(session, 'add', [{ destination: '/tmp/data', source: directory, options: ['bind'] }])
  await session.ok(['start', session.id()])
  await session.reaches('stopped')
  t.is(create.stdout(), 'from the host\n')
  await session.ok(['delete', session.id()])

  await inContainer(session, {}, async (id) => {
    await session.ok(['pause', id])
    await change(session, 'add', [{ destination: '/tmp/data', source: directory, options: ['bind'] }])
    await session.ok(['resume', id])
    t.is(await see(session, 'cat /tmp/data/file'), 'from the host\n')
  })
})

behaviour('the list may come on standard input', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const input = JSON.stringify([{ destination: '/tmp/data', source: shared(session), options: ['bind'] }])
    await session.ok(['mounts', 'add', id, '-'], { input })
    t.is(await see(session, 'cat /tmp/data/file'), 'from the host\n')
  })
})

behaviour('of mounts one of which fails, none is there', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const before = await see(session, 'cat /proc/mounts')
    const good = { destination: '/tmp/good', source: shared(session), options: ['bind'] }
    const list = session.file('mounts.json', JSON.stringify([good, { destination: '/tmp/bad', type: 'nosuchfs' }]))
    const { code, stderr } = await session.run(['mounts', 'add', id, list])
    t.is(code, 1)
    t.regex(stderr, /cannot mount nosuchfs on \/tmp\/bad: no such device/)
    t.is(await see(session, 'cat /proc/mounts'), before)
    t.deepEqual(recorded(session), [])
    t.is((await session.run(['mounts', 'remove', id, list])).code, 1)
  })
})

behaviour('a path of the image does not lead out of the container', { runtimes: ours }, async (t, session) => {
  const rootfs = (path: string): void => {
    symlinkSync(`${session.dir}/canary`, `${path}/absolute`)
    symlinkSync('../../../../..', `${path}/up`)
    mkdirSync(`${path}/real`)
  }
  await inContainer(session, { rootfs }, async () => {
    const host = mounts()
    const source = shared(session)
    const list = ['/absolute/perch', '/up/real', '/../../real'].map((destination) => ({
      destination,
      source,
      options: ['bind'],
    }))
    await change(session, 'add', list)
    t.deepEqual(mounts(), host)
    t.is(await see(session, 'cat /real/file'), 'from the host\n')
    await change(session, 'remove', list.toReversed())
    t.deepEqual(mounts(), host)
    t.is(await see(session, 'ls /real'), '')
  })
})

behaviour(
  'what is mounted in the container later does not appear on the host',
  { runtimes: ours },
  async (t, session) => {
    await inContainer(
      session,
      { edit: (spec) => spec.process.capabilities?.bounding?.push('CAP_SYS_ADMIN') },
      async (id) => {
        const source = shared(session)
        mkdirSync(`${source}/inner`)
        // Shared with the host, as most of a host's mounts are.
        session.shellSync(`mount --bind ${source} ${source}; mount --make-shared ${source}`)
        try {
          await change(session, 'add', [{ destination: '/tmp/data', source, options: ['bind'] }])
          const host = mounts()
          const tmpfs = { destination: '/tmp/data/inner', type: 'tmpfs', source: 'tmpfs' }
          await change(session, 'add', [tmpfs])
          t.regex(await see(session, 'cat /proc/mounts'), /tmpfs \/tmp\/data\/inner/)
          t.deepEqual(mounts(), host)
        } finally {
          await session.ok(['delete', '--force', id])
          session.shellSync(`umount ${source}`)
          session.bundle({ args: ['sleep', '600'] })
          await session.ok(['run', '--detach', id])
        }
      },
    )
  },
)

const broken: [what: string, text: string, expected: RegExp][] = [
  ['no JSON', '[', /mounts\.json:1:2: expected/],
  ['no list', '{"mounts":[]}', /mounts\.json: mounts: expected a list/],
  ['a mount without a destination', '[{"source":"/tmp"}]', /mounts\.json: mounts\[0\]\.destination: expected/],
  ['a number for a path', '[{"destination":1}]', /mounts\[0\]\.destination: expected a string/],
  [
    'a missing source',
    '[{"destination":"/tmp/x","source":"/nowhere","options":["bind"]}]',
    /cannot open mount source \/nowhere: no such file/,
  ],
  [
    'a bind without a source',
    '[{"destination":"/tmp/x","options":["bind"]}]',
    /mounts\[0\]\.source: expected the path to bind/,
  ],
  ['an unknown option', '[{"destination":"/tmp/x","source":"/tmp","options":["bind","nosuchoption"]}]', /nosuchoption/],
  [
    'the root',
    '[{"destination":"/","source":"/tmp","options":["bind"]}]',
    /mounts\[0\]\.destination: the root of a container that is there stays/,
  ],
  ['a procfs', '[{"destination":"/tmp/proc","type":"proc"}]', /mounts\[0\]\.type: proc can't be added/],
  [
    'a cgroup file system',
    '[{"destination":"/tmp/cgroup","type":"cgroup"}]',
    /mounts\[0\]\.type: cgroup can't be added/,
  ],
]

behaviour('lists that are refused, and nothing changes', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const before = await see(session, 'cat /proc/mounts')
    for (const [what, text, expected] of broken)
      await refused(t, session, ['add', id, session.file('mounts.json', text)], expected, what)
    const place = (destination: string): string => session.file('mounts.json', JSON.stringify([{ destination }]))
    await refused(t, session, ['remove', id, place('/tmp')], /nothing is mounted at \/tmp/)
    await refused(t, session, ['remove', id, place('/')], /cannot unmount \/: device or resource busy/)
    await refused(t, session, ['remove', id, place('/nowhere')], /cannot unmount \/nowhere: no such file/)
    await refused(t, session, ['remove', id, session.file('mounts.json', '{}')], /expected a list/)
    await refused(t, session, ['change', id, place('/tmp')], /unknown action change: expected add or remove/)
    await refused(t, session, ['add', id, '/nowhere'], /cannot read \/nowhere: no such file/)
    await refused(t, session, ['add', id], /argument/i)
    await refused(t, session, ['add', session.id('other'), place('/tmp/x')], /container does not exist/)
    t.is(await see(session, 'cat /proc/mounts'), before)
    t.deepEqual(recorded(session), [])
    await session.ok(['kill', id, 'KILL'])
    await session.reaches('stopped')
    await refused(t, session, ['remove', id, place('/tmp/x')], /container not running/)
  })
})

async function refused(
  t: ExecutionContext,
  session: Session,
  words: readonly string[],
  expected: RegExp,
  what?: string,
): Promise<void> {
  const { code, stdout, stderr } = await session.run(['mounts', ...words])
  t.is(code, 1, what ?? words.join(' '))
  t.is(stdout, '')
  t.regex(stderr, expected, what)
}
