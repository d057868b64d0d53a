/** Every option of a mount, as the kernel then has it. */
import { lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, likeRunc, ours, type RuntimeName } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { bindMount, type Mount } from '../harness/spec.js'

const mountinfo = ['cat', '/proc/self/mountinfo']

/** The attributes of the mount at a point, and of its file system. */
function attributesAt(info: string, point: string): { mount: string[]; filesystem: string[] } {
  const fields = info
    .split('\n')
    .map((line) => line.split(' '))
    .findLast((line) => line[4] === point)
  return { mount: fields?.[5]?.split(',') ?? [], filesystem: fields?.at(-1)?.split(',') ?? [] }
}

/** Two directories for binds, each with a mount below it: one without attributes, one with all. Only the runtime sees the mounts. */
function twoSources(session: Session): { plain: string; strict: string } {
  const [plain, strict] = [session.directory('plain'), session.directory('strict')]
  const all = 'ro,nosuid,nodev,noexec,noatime,nodiratime'
  session.through = [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
    `for d in ${plain} ${strict}; do mount -t tmpfs tmpfs $d; mkdir $d/inner; mount -t tmpfs tmpfs $d/inner; done
     for d in ${strict}/inner ${strict}; do mount -o remount,bind,${all} $d; done; exec "$@"`,
    'sh',
  ]
  return { plain, strict }
}

/** What an option sets that a plain mount lacks, and the options that take it away again. */
const attributes: readonly { readonly set: string; readonly clear: readonly string[]; readonly since?: 'runc 1.2' }[] =
  [
    { set: 'ro', clear: ['rw'] },
    { set: 'nosuid', clear: ['suid'] },
    { set: 'nodev', clear: ['dev'] },
    { set: 'noexec', clear: ['exec'] },
    { set: 'noatime', clear: ['atime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime'] },
    { set: 'nodiratime', clear: ['diratime'] },
    { set: 'nosymfollow', clear: ['symfollow'], since: 'runc 1.2' },
  ]

for (const recursive of [false, true]) {
  for (const [title, runtimes, chosen] of [
    ['of a bind mount', ours, attributes.filter(({ since }) => since === undefined)],
    ['nosymfollow', ours, attributes.filter(({ since }) => since !== undefined)],
  ] as const) {
    const prefix = recursive ? 'r' : ''
    behaviour(`${recursive ? 'recursive ' : ''}attributes ${title}`, { runtimes }, async (t, session) => {
      const { plain, strict } = twoSources(session)
      const mounts: Mount[] = []
      const at = (source: string, option: string): string => {
        mounts.push({ destination: `/m/${option}`, type: 'bind', source, options: ['rbind', option] })
        return `/m/${option}`
      }
      const set = chosen.map((one) => ({ ...one, at: at(plain, prefix + one.set) }))
      const cleared = chosen.flatMap((one) =>
        one.clear.map((option) => ({ option, attribute: one.set, at: at(strict, prefix + option) })),
      )
      const info = await session.outputOf(mountinfo, (spec) => spec.mounts.push(...mounts))
      for (const one of set) {
        t.true(attributesAt(info, one.at).mount.includes(one.set), one.at)
        t.is(attributesAt(info, `${one.at}/inner`).mount.includes(one.set), recursive, `${one.at}/inner`)
      }
      for (const { option, attribute, at } of cleared) {
        t.false(attributesAt(info, at).mount.includes(attribute), at)
        if (attribute !== 'nosymfollow') {
          t.is(attributesAt(info, `${at}/inner`).mount.includes(attribute), !recursive, `${at}/inner`)
        }
        if (option === 'strictatime') t.false(attributesAt(info, at).mount.includes('relatime'), at)
        if (attribute !== 'ro') t.true(attributesAt(info, at).mount.includes('ro'), 'and no other attribute')
      }
    })
  }
}

behaviour('a bind keeps the attributes of what it shows', { runtimes: likeRunc }, async (t, session) => {
  const { strict } = twoSources(session)
  const info = await session.outputOf(mountinfo, (spec) =>
    spec.mounts.push({ destination: '/mnt', type: 'bind', source: strict, options: ['rbind'] }),
  )
  for (const flag of ['ro', 'nosuid', 'nodev', 'noexec', 'noatime'])
    t.true(attributesAt(info, '/mnt').mount.includes(flag))
})

behaviour('options of a new file system', { runtimes: ours }, async (t, session) => {
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 'x',
    options,
  })
  const info = await session.outputOf(mountinfo, (spec) =>
    spec.mounts.push(
      tmpfs('/m/defaults', 'defaults', 'silent', 'loud', 'async', 'nomand', 'nolazytime', 'noiversion'),
      tmpfs('/m/sync', 'sync', 'dirsync', 'lazytime'),
      tmpfs('/m/async', 'sync', 'async'),
      tmpfs('/m/iversion', 'iversion', 'sync', 'nosuid', 'size=64k'),
      tmpfs('/m/owner', 'uid=1000', 'gid=50', 'mode=710', 'nr_inodes=10'),
    ),
  )
  t.deepEqual(attributesAt(info, '/m/defaults').mount, ['rw', 'relatime'])
  for (const flag of ['sync', 'dirsync', 'lazytime']) {
    t.true(attributesAt(info, '/m/sync').filesystem.includes(flag), flag)
    t.false(attributesAt(info, '/m/async').filesystem.includes(flag), flag)
  }
  t.deepEqual(attributesAt(info, '/m/iversion').mount, ['rw', 'nosuid', 'relatime'])
  for (const flag of ['sync', 'size=64k']) t.true(attributesAt(info, '/m/iversion').filesystem.includes(flag), flag)
  for (const flag of ['uid=1000', 'gid=50', 'mode=710', 'nr_inodes=10']) {
    t.true(attributesAt(info, '/m/owner').filesystem.includes(flag), flag)
  }
})

behaviour(
  'a remount changes what is mounted already, and only what it says',
  { runtimes: ours },
  async (t, session) => {
    const info = await session.outputOf(mountinfo, (spec) =>
      spec.mounts.push(
        { destination: '/dev/shm', options: ['remount', 'bind', 'ro'] },
        { destination: '/dev/mqueue', type: 'mqueue', options: ['remount', 'exec', 'noatime'] },
        { destination: '/dev', type: 'tmpfs', options: ['remount', 'size=32k', 'sync'] },
      ),
    )
    t.deepEqual(attributesAt(info, '/dev/shm').mount, ['ro', 'nosuid', 'nodev', 'noexec', 'relatime'])
    t.deepEqual(attributesAt(info, '/dev/mqueue').mount, ['rw', 'nosuid', 'nodev', 'noatime'])
    t.deepEqual(attributesAt(info, '/dev').mount, ['rw', 'nosuid'])
    for (const flag of ['size=32k', 'sync']) t.true(attributesAt(info, '/dev').filesystem.includes(flag), flag)
  },
)

behaviour('a remount of what is not mounted is an error', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    edit: (spec) => spec.mounts.push({ destination: '/tmp', type: 'none', options: ['remount', 'ro'] }),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /invalid argument|\/tmp/i)
})

behaviour(
  'a read-only /dev and a read-only tmpfs have what is put in them',
  { runtimes: likeRunc },
  async (t, session) => {
    const source = session.file('note', 'text')
    const output = await session.outputOf(
      [
        'sh',
        '-c',
        'for f in /dev /scratch; do touch $f/new 2>&1; done; touch /dev/shm/new; cat /scratch/deep/note; echo x >/dev/null',
      ],
      (spec) => {
        for (const mount of spec.mounts) if (mount.destination === '/dev') mount.options?.push('ro')
        spec.mounts.push(
          { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
          bindMount(source, '/scratch/deep/note'),
        )
      },
    )
    t.is(output.match(/Read-only file system/g)?.length, 2)
    t.regex(output, /text$/)
  },
)

behaviour('a file system can be mounted over the root', { runtimes: ours }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'cat /name; touch /new 2>&1; cat /proc/self/mountinfo'],
    edit: (spec) => spec.mounts.unshift(bindMount(`${session.dir}/other`, '/', 'ro')),
  })
  session.path('other')
  session.shellSync(`cp -a rootfs ../other; mkdir -p ../other/dev ../other/sys; echo other >../other/name`)
  const output = await session.ok(['run', session.id()])
  t.regex(output, /^other\n.*Read-only file system\n/)
  t.deepEqual(
    output.split('\n').filter((line) => line.split(' ')[4] === '/').length,
    1,
    'neither the covered root nor the host is left',
  )
})

const links: readonly {
  readonly title: string
  readonly options: readonly string[]
  readonly runtimes?: readonly RuntimeName[]
  /** What the container sees at /place and at /pointed, where a link of the image at /place leads. */
  readonly sees: string
}[] = [
  { title: 'links are followed at both ends', options: [], sees: 'link to pointed, text, text' },
  { title: 'dest-nofollow covers a link of the image', options: ['dest-nofollow'], sees: 'no link, text, own' },
]

for (const { title, options, sees } of links) {
  behaviour(title, { runtimes: ours }, async (t, session) => {
    const source = session.path('source')
    session.file('note', 'text')
    symlinkSync(`${session.dir}/note`, source)
    session.bundle({
      args: [
        'sh',
        '-c',
        'if [ -L /place ]; then printf "link to $(readlink /place), "; else printf "no link, "; fi; cat /place; printf ", "; cat /pointed',
      ],
      edit: (spec) => spec.mounts.push(bindMount(source, '/place', ...options)),
      rootfs: (rootfs) => session.shellSync('printf own >pointed; ln -s pointed place', rootfs),
    })
    t.is(await session.ok(['run', session.id()]), sees)
  })
}

behaviour('src-nofollow binds a link itself', { runtimes: ours }, async (t, session) => {
  const source = session.path('source')
  symlinkSync('/etc/passwd', source)
  t.regex(
    await session.outputOf(['sh', '-c', 'readlink /place; grep -c root /place'], (spec) =>
      spec.mounts.push(bindMount(source, '/place', 'src-nofollow')),
    ),
    /^\/etc\/passwd\n1\n$/,
  )
  t.true(lstatSync(`${session.cwd}/rootfs/place`).isFile(), 'the mount point')
})

behaviour('copy-symlink makes the same link in the container', { runtimes: ours }, async (t, session) => {
  const source = session.path('source')
  symlinkSync('../some/where', source)
  const mount = bindMount(source, '/deep/place', 'copy-symlink')
  await session.outputOf(['true'], (spec) => spec.mounts.push(mount, mount))
  t.is(readlinkSync(`${session.cwd}/rootfs/deep/place`), '../some/where')

  session.bundle({
    edit: (spec) => spec.mounts.push(mount),
    rootfs: (rootfs) => session.shellSync('mkdir deep; ln -s else/where deep/place', rootfs),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1, 'another link is in its place')
  t.regex(message, /\/deep\/place.*file exists/i)

  t.is(
    await session.outputOf(['cat', '/place'], (spec) =>
      spec.mounts.push(bindMount(session.file('note', 'text'), '/place', 'copy-symlink')),
    ),
    'text',
    'what is no link is bound',
  )
})

behaviour('an overlay, with many layers and names that need escapes', { runtimes: ours }, async (t, session) => {
  const base = session.directory('layers')
  const layers = Array.from({ length: 12 }, (_, index) => `${base}/a-layer-with-a-long-name-${index}:`)
  session.shellSync(
    layers.map((layer, index) => `mkdir '${layer}'; echo ${index} >'${layer}/${index}'`).join('\n'),
    base,
  )
  session.shellSync(`mkdir '${base}/upper:' '${base}/work'`)
  const escaped = layers.map((layer) => layer.replaceAll(':', '\\:'))
  for (const lowerdir of [escaped.slice(0, 2), escaped]) {
    const options = [`lowerdir=${lowerdir.join(':')}`, `upperdir=${base}/upper\\:`, `workdir=${base}/work`]
    const output = await session.outputOf(['sh', '-c', 'touch /mnt/new; ls /mnt | wc -l'], (spec) =>
      spec.mounts.push({ destination: '/mnt', type: 'overlay', source: 'overlay', options }),
    )
    t.is(output, `${lowerdir.length + 1}\n`)
  }
  t.is(readFileSync(`${base}/upper:/new`, 'utf8'), '')
})
