/** `mounts` of config.json. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, noV1, ours } from '../harness/runtime.js'
import { bindMount, type Mount } from '../harness/spec.js'

/** The lines of the container's mountinfo for a mount point. */
function at(mountinfo: string, point: string): string[] {
  return mountinfo.split('\n').filter((line) => line.split(' ')[4] === point)
}

const mountinfo = ['cat', '/proc/self/mountinfo']

behaviour('the usual file systems are mounted with their options', { runtimes: everyone }, async (t, session) => {
  const info = await session.outputOf(mountinfo)
  for (const [point, type, ...flags] of [
    ['/proc', 'proc', 'rw'],
    ['/dev', 'tmpfs', 'rw', 'nosuid', 'mode=755', 'size=65536k'],
    ['/dev/pts', 'devpts', 'nosuid', 'noexec', 'gid=5', 'mode=620', 'ptmxmode=666'],
    ['/dev/shm', 'tmpfs', 'nosuid', 'nodev', 'noexec', 'size=65536k'],
    ['/dev/mqueue', 'mqueue', 'nosuid', 'nodev', 'noexec'],
    ['/sys', 'sysfs', 'ro', 'nosuid', 'nodev', 'noexec'],
  ] as const) {
    const [line = ''] = at(info, point)
    t.regex(line, new RegExp(` - ${type} `), point)
    for (const flag of flags) t.true(line.split(/[ ,]/).includes(flag), `${point}: ${flag} in ${line}`)
  }
})

behaviour(
  "a bind mount shows the host's directory, and writes reach it",
  { runtimes: everyone },
  async (t, session) => {
    const source = session.directory('shared')
    session.file('shared/in', 'from the host')
    t.is(
      await session.outputOf(['sh', '-c', 'cat /mnt/in; echo from the container >/mnt/out'], (spec) =>
        spec.mounts.push(bindMount(source, '/mnt', 'rw')),
      ),
      'from the host',
    )
    t.is(readFileSync(`${source}/out`, 'utf8'), 'from the container\n')
  },
)

behaviour("a read-only bind mount can't be written", { runtimes: everyone }, async (t, session) => {
  const source = session.directory('shared')
  const output = await session.outputOf(['sh', '-c', 'touch /mnt/new 2>&1; echo done'], (spec) =>
    spec.mounts.push(bindMount(source, '/mnt', 'ro')),
  )
  t.regex(output, /Read-only file system\ndone\n$/)
  t.deepEqual(readdirSync(source), [])
})

behaviour('rro makes a bind mount read-only with all that is mounted below it', {}, async (t, session) => {
  const source = session.directory('shared')
  session.directory('shared/inner')
  session.through = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    `mount -t tmpfs tmpfs ${source}/inner; exec "$@"`,
    'sh',
  ]
  for (const [option, errors] of [
    ['ro', 1],
    ['rro', 2],
  ] as const) {
    const output = await session.outputOf(
      ['sh', '-c', 'for f in /mnt/new /mnt/inner/new; do touch $f 2>&1; done; echo done'],
      (spec) => spec.mounts.push({ destination: '/mnt', type: 'bind', source, options: ['rbind', option] }),
    )
    t.is(output.match(/Read-only file system/g)?.length, errors, option)
  }
})

behaviour(
  'bind does not take along what is mounted below the source, rbind does',
  { runtimes: everyone },
  async (t, session) => {
    const source = session.directory('shared')
    session.directory('shared/inner')
    session.through = [
      ...[
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-ec',
        `mount -t tmpfs tmpfs ${source}/inner; touch ${source}/inner/deep; exec "$@"`,
        'sh',
      ],
      ...session.through,
    ]
    for (const [option, listing] of [
      ['bind', ''],
      ['rbind', 'deep\n'],
    ] as const) {
      t.is(
        await session.outputOf(['ls', '/mnt/inner'], (spec) =>
          spec.mounts.push({ destination: '/mnt', source, options: [option] }),
        ),
        listing,
      )
    }
  },
)

behaviour('flags of a bind mount are set', { runtimes: everyone }, async (t, session) => {
  const source = session.directory('shared')
  const info = await session.outputOf(mountinfo, (spec) =>
    spec.mounts.push(bindMount(source, '/mnt', 'nosuid', 'nodev', 'noexec', 'noatime')),
  )
  const flags = at(info, '/mnt')[0]?.split(' ')[5]?.split(',') ?? []
  for (const flag of ['nosuid', 'nodev', 'noexec', 'noatime']) t.true(flags.includes(flag), flag)
})

behaviour('a later option of a pair wins', {}, async (t, session) => {
  const source = session.directory('shared')
  const info = await session.outputOf(mountinfo, (spec) =>
    spec.mounts.push(bindMount(source, '/mnt', 'ro', 'noexec', 'rw', 'exec')),
  )
  t.deepEqual(
    at(info, '/mnt')[0]
      ?.split(' ')[5]
      ?.split(',')
      .filter((flag) => /^(ro|rw|noexec)$/.test(flag)),
    ['rw'],
  )
})

behaviour(
  'a file can be bound over a file, which is made if it is missing',
  { runtimes: everyone },
  async (t, session) => {
    const source = session.file('note', 'text')
    t.is(
      await session.outputOf(['cat', '/a/new/note'], (spec) =>
        spec.mounts.push(bindMount(source, '/a/new/note', 'ro')),
      ),
      'text',
    )
    t.true(statSync(`${session.cwd}/rootfs/a/new/note`).isFile())
  },
)

behaviour('a missing mount point is made, with its parents', { runtimes: everyone }, async (t, session) => {
  const info = await session.outputOf(mountinfo, (spec) =>
    spec.mounts.push({ destination: '/a/new/place', type: 'tmpfs', source: 'tmpfs' }),
  )
  t.is(at(info, '/a/new/place').length, 1)
  t.is(statSync(`${session.cwd}/rootfs/a/new/place`).mode & 0o777, 0o755)
})

behaviour("a relative source of a bind mount is the bundle's", { runtimes: everyone }, async (t, session) => {
  const bundle = session.bundle({
    args: ['cat', '/mnt/note'],
    edit: (spec) => spec.mounts.push(bindMount('rootfs/etc/inner', '/mnt', 'ro')),
  })
  mkdirSync(`${bundle}/rootfs/etc/inner`)
  writeFileSync(`${bundle}/rootfs/etc/inner/note`, 'text')
  session.cwd = '/'
  t.is(await session.ok(['run', '--bundle', bundle, session.id()]), 'text')
})

behaviour(
  'mounts are made in the order of the config: a later one covers an earlier',
  { runtimes: everyone },
  async (t, session) => {
    const [one, two] = [session.directory('one'), session.directory('two')]
    session.file('one/name', 'one')
    session.file('two/name', 'two')
    t.is(
      await session.outputOf(['cat', '/mnt/name'], (spec) =>
        spec.mounts.push(bindMount(one, '/mnt'), bindMount(two, '/mnt')),
      ),
      'two',
    )
  },
)

behaviour(
  'a symbolic link at a mount point is followed inside the root',
  { runtimes: everyone },
  async (t, session) => {
    const source = session.directory('shared')
    session.file('shared/note', 'text')
    session.bundle({
      args: ['cat', '/real/note'],
      edit: (spec) => spec.mounts.push(bindMount(source, '/link/../link')),
      rootfs: (rootfs) => {
        mkdirSync(`${rootfs}/real`)
        symlinkSync('/real', `${rootfs}/link`)
      },
    })
    t.is(await session.ok(['run', session.id()]), 'text')
  },
)

behaviour('.. at a mount point does not leave the root', { runtimes: everyone }, async (t, session) => {
  const source = session.directory('shared')
  const info = await session.outputOf(mountinfo, (spec) => spec.mounts.push(bindMount(source, '/../../mnt')))
  t.is(at(info, '/mnt').length, 1)
})

behaviour(
  '.. at the root does not lead to the host, at no moment of a launch',
  { runtimes: ours },
  async (t, session) => {
    // After pivot_root(2) the host's root lies over ours until it is unmounted, and there `..` leads to it.
    const source = session.directory('shared')
    session.bundle({
      args: mountinfo,
      edit: (spec) => spec.mounts.unshift(bindMount(source, '/../../../mnt'), bindMount(source, '/../../../../tmp')),
    })
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const info = await session.ok(['run', session.id()])
      t.deepEqual([at(info, '/mnt').length, at(info, '/tmp').length], [1, 1], `${attempt}`)
    }
  },
)

behaviour('a tmpfs has the size and mode that its options say', { runtimes: everyone }, async (t, session) => {
  const output = await session.outputOf(['sh', '-c', 'stat -c %a /scratch; df -k /scratch | tail -1'], (spec) =>
    spec.mounts.push({ destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'mode=1770'] }),
  )
  t.regex(output, /^1770\ntmpfs +1024 /)
})

behaviour('tmpcopyup fills a tmpfs with what it covers', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'cat /data/note /data/inner/deep; touch /data/new; readlink /data/link; stat -c %a /data/note'],
    edit: (spec) => spec.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }),
    rootfs: (rootfs) =>
      session.shellSync(
        'mkdir -p data/inner; printf a >data/note; chmod 640 data/note; printf b >data/inner/deep; ln -s note data/link',
        rootfs,
      ),
  })
  t.is(await session.ok(['run', session.id()]), 'abnote\n640\n')
  t.false(existsSync(`${session.cwd}/rootfs/data/new`))
})

for (const [option, expected] of [
  ['rshared', /shared:/],
  ['rslave', /master:|^$/],
  ['rprivate', /^$/],
  ['unbindable', /unbindable/],
] as const) {
  behaviour(`the propagation of a mount is what its option ${option} says`, {}, async (t, session) => {
    const source = session.directory('shared')
    const info = await session.outputOf(mountinfo, (spec) =>
      spec.mounts.push({ destination: '/mnt', source, options: ['rbind', option] }),
    )
    t.regex(/^(?:\S+ ){6}(.*?) ?- /.exec(at(info, '/mnt')[0] ?? '')?.[1] ?? '?', expected)
  })
}

behaviour("the cgroup mount shows the container's own cgroups", { unless: noV1 }, async (t, session) => {
  const output = await session.outputOf(
    ['sh', '-c', 'ls /sys/fs/cgroup; cat /sys/fs/cgroup/pids/cgroup.procs'],
    (spec) =>
      spec.mounts.push({
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      }),
  )
  for (const controller of ['memory', 'pids', 'devices', 'freezer']) t.regex(output, new RegExp(`^${controller}$`, 'm'))
  t.regex(output, /^1$/m)
})

behaviour("a read-only cgroup mount can't be written", {}, async (t, session) => {
  // CVE-2023-25809: a writable /sys/fs/cgroup.
  const directory = noV1 === undefined ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup'
  const output = await session.outputOf(['sh', '-c', `mkdir ${directory}/new 2>&1; echo done`], (spec) =>
    spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }),
  )
  t.regex(output, /Read-only file system\ndone/)
})

/** The options of the v2 hierarchy: all mounts of it have the same. */
const v2Options = (): string | undefined =>
  / - cgroup2 \S+ (\S+)$/m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1]
const noV2Options =
  noV1 !== undefined && v2Options()?.includes(',') ? undefined : 'cgroup v2 is mounted without options here'

behaviour(
  "a cgroup mount keeps the options of the host's, also where it is not in a cgroup namespace of its own",
  { runtimes: ours, unless: noV2Options },
  async (t, session) => {
    const before = v2Options()
    await session.outputOf(['true'], (spec) =>
      spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }),
    )
    t.is(v2Options(), before)
  },
)

behaviour('in a pure v2 layout the cgroup mount is cgroup2', { runtimes: everyone, view: 'v2' }, async (t, session) => {
  const output = await session.outputOf(
    ['sh', '-c', 'stat -f -c %t /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.procs'],
    (spec) => {
      spec.linux.namespaces.push({ type: 'cgroup' })
      spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] })
    },
  )
  t.regex(output, /^63677270\n1\n/)
})

const failures: [title: string, mount: Mount, message: RegExp][] = [
  [
    'a missing source of a bind mount is an error that names it',
    bindMount('/no/such/source', '/mnt'),
    /\/no\/such\/source.*no such file or directory/i,
  ],
  [
    'an unknown file system is an error',
    { destination: '/mnt', type: 'nosuchfs', source: 'none' },
    /nosuchfs|no such device/i,
  ],
  [
    'an option that the file system does not know is an error',
    { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['colour=blue'] },
    /invalid argument|colour/i,
  ],
  ["a directory can't be bound over a file", bindMount('/etc', '/etc/passwd'), /not a directory/i],
  ['a mount inside /proc is refused', bindMount('/etc', '/proc/self/attr'), /inside \/proc|\/proc\/self\/attr/],
]

for (const [title, mount, message] of failures) {
  behaviour(title, {}, async (t, session) => {
    session.bundle({ edit: (spec) => spec.mounts.push(mount) })
    for (const command of ['run', 'create']) {
      const result = await session.run([command, session.id()])
      t.is(result.code, 1)
      t.regex(result.message, message)
    }
  })
}

behaviour(
  'what was resolved at create is mounted, whatever happens before start',
  { runtimes: ours },
  async (t, session) => {
    const [one, two] = [session.directory('one'), session.directory('two')]
    session.file('one/name', 'one')
    session.file('two/name', 'two')
    session.path('link')
    session.shellSync(`ln -s ${one} ${session.dir}/link`)
    session.bundle({
      args: ['cat', '/mnt/name'],
      edit: (spec) => spec.mounts.push(bindMount(`${session.dir}/link`, '/mnt')),
    })
    const create = session.spawn(['create', session.id()])
    t.is((await create.finished).code, 0)
    session.shellSync(`ln -sfn ${two} ${session.dir}/link`)
    await session.ok(['start', session.id()])
    await session.reaches('stopped')
    t.is(create.stdout(), 'one')
    await session.ok(['delete', session.id()])
  },
)
