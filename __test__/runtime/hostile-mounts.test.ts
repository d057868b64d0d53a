/**
 * Mounts, masks and devices in root file systems and volumes that are made to harm the host, or change while they are looked at.
 * docs/security.md says which check each holds.
 */
import { mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { helper, noPython } from '../harness/python.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Running, Session } from '../harness/session.js'
import { bindMount } from '../harness/spec.js'
import { until } from '../harness/until.js'

behaviour('/dev that is the end of 41 links is an error', { runtimes: ours }, async (t, session) => {
  session.bundle({
    edit: (spec) => (spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'))),
    rootfs: (rootfs) =>
      session.shellSync(
        'mv dev end; ln -s end l1; for n in $(seq 2 40); do ln -s l$((n-1)) l$n; done; ln -s l40 dev',
        rootfs,
      ),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /too many levels of symbolic links/i)
})

behaviour('a mount whose place is a link to the root is refused', { runtimes: ours }, async (t, session) => {
  // It would lie over the root for the mounts that follow, and nowhere for the program.
  session.bundle({
    edit: (spec) => spec.mounts.push(bindMount(session.canary, '/door')),
    rootfs: (rootfs) => symlinkSync('/', `${rootfs}/door`),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /over the root/)
})

behaviour('/proc behind a link is refused', { runtimes: ours }, async (t, session) => {
  // CVE-2023-27561: the link is above the last component.
  session.bundle({
    edit: (spec) => spec.mounts.push({ destination: '/door/proc', type: 'proc', source: 'proc' }),
    rootfs: (rootfs) => session.shellSync('mkdir -p real/proc; ln -s real door', rootfs),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /must be mounted on ordinary directory/)
})

behaviour('files of /proc that show numbers can be covered, no others', { runtimes: likeRunc }, async (t, session) => {
  // CVE-2025-52881
  const source = session.file('uptime', 'ours')
  t.is(
    await session.outputOf(['cat', '/proc/uptime'], (spec) => spec.mounts.push(bindMount(source, '/proc/uptime'))),
    'ours',
  )
  for (const place of ['self/attr', 'sys', '1', 'thread-self', 'sys/kernel/core_pattern', 'self/fd']) {
    session.bundle({ edit: (spec) => spec.mounts.push(bindMount(session.canary, `/proc/${place}`)) })
    const { code, message } = await session.run(['run', session.id()])
    t.is(code, 1, place)
    t.regex(message, /inside \/proc/, place)
  }
})

behaviour('paths are not masked with something that is called /dev/null', { runtimes: ours }, async (t, session) => {
  // CVE-2025-31133, with the host's own name for it.
  const fake = session.file('fake', 'not the null device')
  session.bundle({ args: ['cat', '/proc/keys'] })
  session.through = [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
    `mount --bind ${fake} /dev/null; exec "$@"`,
    'sh',
  ]
  const { code, stdout, message } = await session.run(['run', session.id()])
  t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  t.regex(message, /null device/)
})

behaviour("what masks a file is the host's, and can't be changed", { runtimes: ours }, async (t, session) => {
  const before = statSync('/dev/null').mode
  const output = await session.outputOf(
    ['sh', '-c', 'chmod 600 /proc/keys 2>&1; echo x >/proc/keys; echo done'],
    (spec) => {
      const capabilities = ['CAP_FOWNER', 'CAP_DAC_OVERRIDE']
      spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
    },
  )
  t.regex(output, /Read-only file system/)
  t.is(statSync('/dev/null').mode, before)
})

behaviour("a path that can't be masked is an error, and nothing runs", { runtimes: ours }, async (t, session) => {
  for (const path of ['/', '/loop', '/tmp/..']) {
    session.bundle({
      args: ['echo', 'ran'],
      edit: (spec) => (spec.linux.maskedPaths = [path]),
      rootfs: (rootfs) => symlinkSync('loop', `${rootfs}/loop`),
    })
    const { code, stdout, message } = await session.run(['run', session.id()])
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, path)
    t.regex(message, /cannot mask/)
  }
})

behaviour(
  'what a container mounts does not appear on the host, however shared its sources are there',
  { runtimes: everyone },
  async (t, session) => {
    const volume = session.directory('volume')
    mkdirSync(`${volume}/below`)
    session.bundle({
      args: ['sh', '-ec', 'mount -t tmpfs none /data/below; mount -t tmpfs none /mnt; echo mounted'],
      edit: (spec) => {
        spec.mounts.push({ destination: '/data', type: 'bind', source: volume, options: ['rbind'] })
        spec.process.capabilities = {
          bounding: ['CAP_SYS_ADMIN'],
          effective: ['CAP_SYS_ADMIN'],
          permitted: ['CAP_SYS_ADMIN'],
        }
      },
      rootfs: (rootfs) => mkdirSync(`${rootfs}/mnt`, { recursive: true }),
    })
    session.through = [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
      'mount --make-rshared /; "$@"; cat /proc/self/mountinfo',
      'sh',
    ]
    const { code, stdout } = await session.run(['run', session.id()])
    t.is(code, 0)
    t.regex(stdout, /^mounted\n/)
    t.regex(stdout, / shared:\d+ /)
    t.false(stdout.includes(session.dir), stdout)
  },
)

behaviour('tmpcopyup of a tree that is too deep is an error', { runtimes: ours }, async (t, session) => {
  for (const [depth, code] of [
    [60, 0],
    [70, 1],
  ] as const) {
    session.bundle({
      edit: (spec) =>
        spec.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }),
      rootfs: (rootfs) => mkdirSync(`${rootfs}/data/${'d/'.repeat(depth)}`, { recursive: true }),
    })
    t.is((await session.run(['run', session.id()])).code, code, `${depth}`)
  }
})

behaviour('tmpcopyup copies links as links', { runtimes: ours }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'for f in file directory; do readlink /data/$f; done; find /data | wc -l'],
    edit: (spec) => spec.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }),
    rootfs: (rootfs) => {
      mkdirSync(`${rootfs}/data`)
      symlinkSync(`${session.canary}/sings`, `${rootfs}/data/file`)
      symlinkSync(session.canary, `${rootfs}/data/directory`)
    },
  })
  t.is(await session.ok(['run', session.id()]), `${session.canary}/sings\n${session.canary}\n3\n`)
})

/** A volume in which `door` is a directory at one moment and a link out of the root at the next. */
async function swapping(session: Session, target: string): Promise<{ volume: string; swapper: Running }> {
  const volume = session.directory('volume')
  mkdirSync(`${volume}/door`)
  symlinkSync(target, `${volume}/link`)
  const swapper = session.start(helper('swap', volume, 'door', 'link'))
  await until('the names change places', () => swapper.stdout() === 'ready\n')
  return { volume, swapper }
}

behaviour(
  'a mount point that becomes a link while it is looked up',
  { runtimes: ours, unless: noPython },
  async (t, session) => {
    // CVE-2021-30465
    const { volume, swapper } = await swapping(session, session.canary)
    const other = session.directory('other')
    session.bundle({
      args: ['sh', '-c', 'grep -c "/other /" /proc/self/mountinfo; true'],
      edit: (spec) => spec.mounts.push(bindMount(volume, '/v'), bindMount(other, '/v/door')),
    })
    for (let start = 0; start < 40; start += 1) {
      // Which of the two it finds is chance; the canary is neither, and the mount is somewhere in the container.
      const { code, stdout, message } = await session.run(['run', session.id()])
      if (code === 0) t.is(stdout, '1\n')
      else t.regex(message, /cannot/)
    }
    swapper.child.kill('SIGKILL')
    t.is(session.shellSync(`ls -A ${session.canary}`), 'perch\nsings\n')
  },
)

behaviour(
  'a mount point that is missing, in a directory that becomes a link',
  { runtimes: ours, unless: noPython },
  async (t, session) => {
    // CVE-2024-45310
    const { volume, swapper } = await swapping(session, session.canary)
    for (let start = 0; start < 15; start += 1) {
      session.bundle({
        edit: (spec) =>
          spec.mounts.push(bindMount(volume, '/v'), bindMount('/etc/hostname', `/v/door/new${start}/file`), {
            destination: `/v/door/made${start}/here`,
            type: 'tmpfs',
            source: 'tmpfs',
          }),
      })
      const { code, message } = await session.run(['run', session.id()])
      if (code !== 0) t.regex(message, /cannot/)
    }
    swapper.child.kill('SIGKILL')
    t.is(session.shellSync(`ls -A ${session.canary}`), 'perch\nsings\n')
  },
)

behaviour(
  'a read-only path that becomes a link is read-only, or is none',
  { runtimes: ours, unless: noPython },
  async (t, session) => {
    // GHSA-3q8j-pf29-vwv8: bound by one look-up, made read-only by another.
    const { volume, swapper } = await swapping(session, '/v/other')
    mkdirSync(`${volume}/other`)
    session.bundle({
      args: ['sh', '-c', 'grep -E " /v/(door|other|link) " /proc/self/mountinfo || true'],
      edit: (spec) => {
        spec.mounts.push(bindMount(volume, '/v'))
        spec.linux.readonlyPaths = ['/v/door']
      },
    })
    for (let start = 0; start < 40; start += 1) {
      // It is one of the two.
      const output = await session.ok(['run', session.id()])
      t.regex(output, /^((\S+ ){5}ro\b.*\n)+$/)
    }
    swapper.child.kill('SIGKILL')
  },
)

behaviour(
  'a device whose directory is a link out of the root is made inside',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      args: ['true'],
      edit: (spec) => (spec.linux.devices = [{ type: 'c', path: '/door/new/mine', major: 1, minor: 3 }]),
      rootfs: (rootfs) => symlinkSync(session.canary, `${rootfs}/door`),
    })
    await session.run(['run', session.id()])
    t.deepEqual(readdirSync(session.canary).sort(), ['perch', 'sings'])
  },
)
