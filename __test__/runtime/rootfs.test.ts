/** The view that a container has of its root file system. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, ours } from '../harness/runtime.js'

behaviour(
  "the root is the bundle's, and nothing of the host is above or beside it",
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'ls / /..; cat /proc/self/mountinfo'],
      rootfs: (rootfs) => writeFileSync(`${rootfs}/mark`, ''),
    })
    const [listing = '', mountinfo = ''] = (await session.ok(['run', session.id()]))
      .split(/^(?=\d+ \d+ )/m)
      .reduce<string[]>(
        ([all = '', rest = ''], part) => (/^\d+ \d+ /.test(part) ? [all, rest + part] : [all + part, rest]),
        [],
      )
    t.is(listing.match(/^mark$/gm)?.length, 2)
    const points = mountinfo
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[4])
    t.is(points.filter((point) => point === '/').length, 1)
    for (const point of points) t.regex(point ?? '', /^\/($|proc|dev|sys)/)
  },
)

behaviour(
  'root.readonly makes the root read-only, not the mounts in it',
  { runtimes: everyone },
  async (t, session) => {
    const script =
      'touch /new 2>&1; touch /tmp/new 2>&1; touch /scratch/new && echo written; touch /dev/shm/new && echo written'
    const output = await session.outputOf(['sh', '-c', script], (spec) => {
      spec.root.readonly = true
      spec.mounts.push({ destination: '/scratch', type: 'tmpfs', source: 'tmpfs' })
    })
    t.deepEqual(output.match(/Read-only file system/g)?.length, 2)
    t.deepEqual(output.match(/written/g)?.length, 2)
    t.false(existsSync(`${session.cwd}/rootfs/new`))
  },
)

behaviour('without root.readonly what is written stays in the bundle', { runtimes: everyone }, async (t, session) => {
  await session.outputOf(['touch', '/new'])
  t.true(existsSync(`${session.cwd}/rootfs/new`))
})

behaviour(
  "a relative root.path is the bundle's, an absolute one the host's",
  { runtimes: everyone },
  async (t, session) => {
    const bundle = session.bundle({ args: ['cat', '/mark'] })
    writeFileSync(`${bundle}/rootfs/mark`, 'this one')
    for (const path of ['rootfs', './rootfs', 'rootfs/', `${bundle}/rootfs`]) {
      session.bundle({
        args: ['cat', '/mark'],
        edit: (spec) => (spec.root.path = path),
        rootfs: (rootfs) => writeFileSync(`${rootfs}/mark`, path),
      })
      t.is(await session.ok(['run', session.id()]), path)
    }
  },
)

behaviour(
  'a masked file is empty and a masked directory too, and neither can be written',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      args: [
        'sh',
        '-c',
        'cat /secret; echo more >/secret; cat /secret; ls -A /vault; touch /vault/new 2>&1; echo done',
      ],
      edit: (spec) => (spec.linux.maskedPaths = ['/secret', '/vault', '/missing']),
      rootfs: (rootfs) => {
        writeFileSync(`${rootfs}/secret`, 'a secret')
        mkdirSync(`${rootfs}/vault`)
        writeFileSync(`${rootfs}/vault/gold`, 'gold')
      },
    })
    t.regex(
      await session.ok(['run', session.id()]),
      /^touch: [^\n]*(Read-only file system|No space left|Permission denied)[^\n]*\ndone\n$/,
    )
  },
)

behaviour(
  "a read-only path can't be written, and one that is missing is passed over",
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'touch /papers/new 2>&1; rm /papers/old 2>&1; cat /papers/old'],
      edit: (spec) => (spec.linux.readonlyPaths = ['/papers', '/missing']),
      rootfs: (rootfs) => {
        mkdirSync(`${rootfs}/papers`)
        writeFileSync(`${rootfs}/papers/old`, 'old')
      },
    })
    const output = await session.ok(['run', session.id()])
    t.is(output.match(/Read-only file system/g)?.length, 2)
    t.regex(output, /old$/)
  },
)

behaviour('a read-only path is read-only with all that is mounted below it', { runtimes: ours }, async (t, session) => {
  const output = await session.outputOf(
    ['sh', '-c', 'touch /papers/new 2>&1; touch /papers/inner/new 2>&1; echo done'],
    (spec) => {
      const tmpfs = { type: 'tmpfs', source: 'tmpfs' }
      spec.mounts.push({ destination: '/papers', ...tmpfs }, { destination: '/papers/inner', ...tmpfs })
      spec.linux.readonlyPaths = ['/papers']
    },
  )
  t.is(output.match(/Read-only file system/g)?.length, 2)
})

behaviour('a read-only path keeps the flags that its mount has', {}, async (t, session) => {
  const info = await session.outputOf(['grep', ' /papers ', '/proc/self/mountinfo'], (spec) => {
    spec.mounts.push({ destination: '/papers', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec'] })
    spec.linux.readonlyPaths = ['/papers']
  })
  for (const flag of ['ro', 'nosuid', 'nodev', 'noexec'])
    t.regex(info.trimEnd().split('\n').at(-1) ?? '', new RegExp(`\\b${flag}\\b`))
})

behaviour('no mount of a container reaches the host', { runtimes: everyone }, async (t, session) => {
  // The harness compares the host's mounts too; here the container mounts by itself.
  const output = await session.outputOf(
    ['sh', '-c', 'mount -t tmpfs tmpfs /tmp && touch /tmp/in && ls /tmp'],
    (spec) => {
      const all = ['CAP_SYS_ADMIN']
      spec.process.capabilities = { bounding: all, effective: all, permitted: all }
      spec.linux.rootfsPropagation = 'rslave'
    },
  )
  t.is(output, 'in\n')
  t.deepEqual(readdirSync(`${session.cwd}/rootfs/tmp`), [])
})

for (const [value, expected] of [
  ['private', ''],
  ['rprivate', ''],
  ['shared', 'shared:'],
  ['unbindable', 'unbindable'],
] as const) {
  // runc sets shared and unbindable right from 1.3.1 on.
  behaviour(
    `rootfsPropagation ${value} is that of the root mount`,
    { runtimes: expected === '' ? everyone : ours },
    async (t, session) => {
      const info = await session.outputOf(
        ['cat', '/proc/self/mountinfo'],
        (spec) => (spec.linux.rootfsPropagation = value),
      )
      const root = info.split('\n').find((line) => line.split(' ')[4] === '/') ?? ''
      const [, optional = ''] = / - /.test(root) ? (/^(?:\S+ ){6}(.*?) ?- /.exec(root) ?? []) : []
      if (expected === '') t.is(optional, '')
      else t.regex(optional, new RegExp(expected))
    },
  )
}

behaviour('an unknown rootfsPropagation is an error', {}, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.linux.rootfsPropagation = 'sideways') })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /sideways|rootfsPropagation/)
})

behaviour('--no-pivot gives the same view without pivot_root', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'ls / && cat /mark'],
    rootfs: (rootfs) => writeFileSync(`${rootfs}/mark`, 'this one'),
  })
  const output = await session.ok(['run', '--no-pivot', session.id()])
  t.regex(output, /this one$/)
  t.false(output.includes(session.mark))
})
