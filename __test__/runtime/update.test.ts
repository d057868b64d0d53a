/** `update`: limits of a container that is there change, all that are given or none. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { directoryOf, type Expected, expectedHere, noV1, value, valuesOf } from '../harness/cgroups.js'
import { likeRunc, ours, type RuntimeName } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { until } from '../harness/until.js'

const disk = /^ +(\d+) +(\d+) +\d+ ((?:vd|sd|nvme)\S+)$/m.exec(readFileSync('/proc/partitions', 'utf8'))
const [, major, minor, diskName] = disk ?? []
const noDisk = disk === null ? 'no disk here' : undefined
const noFuse = existsSync('/dev/fuse') ? undefined : 'no /dev/fuse here'

/** The hierarchy of the controller. */
const pids = noV1 === undefined ? 'pids' : ''

/** A running container with these resources. */
async function running(session: Session, resources: Record<string, unknown> = {}): Promise<void> {
  session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.resources = resources) })
  await session.ok(['run', '-d', session.id()])
}

interface Row extends Expected {
  readonly options: readonly string[]
  readonly runtimes?: readonly RuntimeName[]
  readonly unless?: string | undefined
}

const rows: readonly Row[] = [
  {
    options: ['--memory', '64m', '--memory-reservation', '32m'],
    v1: { 'memory.limit_in_bytes': String(64 << 20), 'memory.soft_limit_in_bytes': String(32 << 20) },
    v2: { 'memory.max': String(64 << 20), 'memory.low': String(32 << 20) },
  },
  {
    options: ['--memory', '67108864'],
    v1: { 'memory.limit_in_bytes': String(64 << 20) },
    v2: { 'memory.max': String(64 << 20) },
  },
  {
    options: ['--memory', '64m', '--memory-swap=96M'],
    v1: { 'memory.limit_in_bytes': String(64 << 20), 'memory.memsw.limit_in_bytes': String(96 << 20) },
    v2: { 'memory.max': String(64 << 20), 'memory.swap.max': String(32 << 20) },
  },
  {
    options: ['--memory=-1', '--memory-swap=-1'],
    v1: { 'memory.limit_in_bytes': '9223372036854771712', 'memory.memsw.limit_in_bytes': '9223372036854771712' },
    v2: { 'memory.max': 'max', 'memory.swap.max': 'max' },
  },
  {
    options: ['--cpu-period', '50000', '--cpu-quota', '20000', '--cpu-share', '1024'],
    v1: { 'cpu.cfs_period_us': '50000', 'cpu.cfs_quota_us': '20000', 'cpu.shares': '1024' },
    v2: { 'cpu.max': '20000 50000', 'cpu.weight': '100' },
  },
  { options: ['--cpu-quota=-1'], v1: { 'cpu.cfs_quota_us': '-1' }, v2: { 'cpu.max': 'max 100000' } },
  {
    options: ['--cpu-quota', '20000', '--cpu-burst', '10000'],
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_burst_us': '10000' },
    v2: { 'cpu.max': '20000 100000', 'cpu.max.burst': '10000' },
    runtimes: ours,
  },
  { options: ['--cpu-idle', '1'], v1: { 'cpu.idle': '1' }, v2: { 'cpu.idle': '1' }, runtimes: ours },
  {
    options: ['--cpuset-cpus', '0', '--cpuset-mems', '0'],
    v1: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
    v2: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
  },
  { options: ['--pids-limit', '7'], v1: { 'pids.max': '7' }, v2: { 'pids.max': '7' } },
  { options: ['--pids-limit=-1'], v1: { 'pids.max': 'max' }, v2: { 'pids.max': 'max' } },
  { options: ['--pids-limit', '0'], v1: { 'pids.max': '1' }, v2: { 'pids.max': '1' }, runtimes: ours },
  { options: ['--blkio-weight', '200'], v1: { 'blkio.bfq.weight': '200' } },
  {
    options: [
      `--device-read-bps=/dev/${diskName}:1m`,
      `--device-write-bps=${major}:${minor}:2m`,
      `--device-read-iops=${major}:${minor}:30`,
      `--device-write-iops=${major}:${minor}:40`,
    ],
    v1: {
      'blkio.throttle.read_bps_device': `${major}:${minor} 1048576`,
      'blkio.throttle.write_bps_device': `${major}:${minor} 2097152`,
      'blkio.throttle.read_iops_device': `${major}:${minor} 30`,
      'blkio.throttle.write_iops_device': `${major}:${minor} 40`,
    },
    v2: { 'io.max': `${major}:${minor} rbps=1048576 wbps=2097152 riops=30 wiops=40` },
    runtimes: ours,
    unless: noDisk,
  },
]

for (const { options, runtimes = likeRunc, unless, ...expected } of rows) {
  const files = expectedHere(expected)
  const none = files === undefined ? 'no such control here' : undefined
  behaviour(`update ${options.join(' ')}`, { runtimes, unless: unless ?? none }, async (t, session) => {
    await running(session)
    t.is(await session.ok(['update', ...options, session.id()]), '')
    t.deepEqual(valuesOf(session, files), files)
    await session.ok(['delete', '--force', session.id()])
  })
}

for (const how of ['-r FILE', '--resources=FILE', '-r -', '--resources=-']) {
  behaviour(`update ${how} takes linux.resources as JSON`, {}, async (t, session) => {
    await running(session)
    // containerd and CRI-O send sections of zeros, and limits beyond 2^53.
    const text = JSON.stringify({
      memory: { limit: 64 << 20, reservation: 0, checkBeforeUpdate: true },
      cpu: { shares: 1024, quota: 0, period: 0, cpus: '' },
      pids: { limit: 9 },
      blockIO: { weight: 0 },
    })
    const file = session.file('resources.json', text)
    const option = how.replace('FILE', file).split(' ')
    t.is(await session.ok(['update', ...option, session.id()], { input: text }), '')
    const files = expectedHere({
      v1: {
        'memory.limit_in_bytes': String(64 << 20),
        'cpu.shares': '1024',
        'cpu.cfs_quota_us': '-1',
        'pids.max': '9',
      },
      v2: { 'memory.max': String(64 << 20), 'cpu.weight': '100', 'cpu.max': 'max 100000', 'pids.max': '9' },
    })
    t.deepEqual(valuesOf(session, files), files)
    await session.ok(['delete', '--force', session.id()])
  })
}

behaviour('an update knows of those before it', {}, async (t, session) => {
  await running(session, { memory: { limit: 32 << 20, swap: 64 << 20 }, pids: { limit: 20 } })
  // Above the old limit of both together: they are written in the order that the kernel takes.
  await session.ok(['update', '--memory', '96m', '--memory-swap', '128m', session.id()])
  await session.ok(['update', '--memory', '16m', '--memory-swap', '32m', session.id()])
  await session.ok(['update', '--memory-swap', '48m', session.id()])
  const files = expectedHere({
    v1: {
      'memory.limit_in_bytes': String(16 << 20),
      'memory.memsw.limit_in_bytes': String(48 << 20),
      'pids.max': '20',
    },
    v2: { 'memory.max': String(16 << 20), 'memory.swap.max': String(32 << 20), 'pids.max': '20' },
  })
  t.deepEqual(valuesOf(session, files), files)
  await session.ok(['delete', '--force', session.id()])
})

behaviour('created and paused containers are updated too, stopped ones not', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id()])
  await session.ok(['update', '--pids-limit', '11', session.id()])
  t.is(value(session, pids, 'pids.max'), '11')
  await session.ok(['start', session.id()])
  await session.ok(['pause', session.id()])
  await session.ok(['update', '--pids-limit', '12', session.id()])
  t.is(value(session, pids, 'pids.max'), '12')
  t.is((await session.state()).status, 'paused')
  await session.ok(['kill', session.id(), 'KILL'])
  await session.reaches('stopped')
  const { code, message } = await session.run(['update', '--pids-limit', '13', session.id()])
  t.is(code, 1)
  t.regex(message, /container not running/)
  await session.ok(['delete', session.id()])
})

const wrong: readonly (readonly [words: readonly string[], message: RegExp, input?: string])[] = [
  [['--memory', 'much'], /invalid size "much" for --memory/],
  [['--cpu-share', '1.5'], /invalid number "1.5" for --cpu-share/],
  [['--cpu-idle', '2'], /options: cpu\.idle: expected a whole number from 0 to 1, found 2/],
  [['--blkio-weight', '5'], /options: blockIO\.weight: expected a whole number from 10 to 1000, found 5/],
  [['--memory-swap', '1g'], /memory\.swap: needs a limit of memory too/],
  [['--memory', '2g', '--memory-swap', '1g'], /memory\.swap: 1073741824, memory and swap together, is less/],
  [['--kernel-memory', '1g'], /memory\.kernel: the kernel has had no such limit/],
  [['--l3-cache-schema', 'L3:0=f'], /linux\.intelRdt: the container was made without/],
  [['--mem-bw-schema', 'L3:0=f'], /invalid line "L3:0=f" for --mem-bw-schema/],
  [['--device-read-bps', '/dev/null:1m'], /\/dev\/null is not a block device/],
  [['--device-read-bps', 'sda'], /invalid rate "sda" for --device-read-bps/],
  [['--device-read-bps', '8:0:fast'], /invalid size "fast" for --device-read-bps/],
  [['-r', '-', '--pids-limit', '5'], /--resources and other limits cannot be used together/],
  [['-r', '/nonexistent'], /cannot read \/nonexistent: no such file or directory/],
  [['-r', '-'], /standard input:1:10: expected ',' or '}', found the end of the file/, '{"pids":1'],
  [['-r', '-'], /standard input: pids\.limit: expected a whole number from -1 .* found "x"/, '{"pids":{"limit":"x"}}'],
]

for (const [words, message, input = ''] of wrong) {
  behaviour(`update ${words.join(' ')} ${input} is an error`, { runtimes: ours }, async (t, session) => {
    await running(session, { pids: { limit: 20 }, memory: { limit: -1 } })
    const result = await session.run(['update', ...words, session.id()], { input })
    t.is(result.code, 1)
    t.regex(result.message, message)
    t.is(value(session, pids, 'pids.max'), '20')
    await session.ok(['delete', '--force', session.id()])
  })
}

behaviour(
  'a value that the kernel refuses leaves all as it was',
  { runtimes: ours, unless: noV1 },
  async (t, session) => {
    await running(session, { pids: { limit: 20 }, cpu: { shares: 200 }, memory: { limit: 64 << 20 } })
    const record = readFileSync(`${session.root}/${session.id()}/record.json`, 'utf8')
    for (const [resources, message] of [
      [{ cpu: { shares: 300, cpus: '0-9999' }, pids: { limit: 30 } }, /cpuset\.cpus: numerical result out of range/],
      [
        {
          cpu: { shares: 300 },
          pids: { limit: 30 },
          blockIO: { throttleReadBpsDevice: [{ major: 4095, minor: 1, rate: 1 }] },
        },
        /read_bps_device: no such device/,
      ],
      // What is in use is more than that, and what can't be reclaimed can't be limited.
      [
        { cpu: { shares: 300 }, pids: { limit: 30 }, memory: { limit: 4096 } },
        /limit_in_bytes: device or resource busy/,
      ],
      [
        { cpu: { shares: 300 }, pids: { limit: 30 }, memory: { limit: 4096, checkBeforeUpdate: true } },
        /limit to 4096 below what is in use, \d+, in cgroup/,
      ],
      // One device out of all of a kind has no form in v1.
      [
        {
          cpu: { shares: 300 },
          devices: [
            { allow: true, type: 'c', major: 1, access: 'rwm' },
            { allow: false, type: 'c', major: 1, minor: 11, access: 'w' },
          ],
        },
        /restrict devices of cgroup .*: invalid argument/,
      ],
    ] as const) {
      const { code, message: found } = await session.run(['update', '-r', '-', session.id()], {
        input: JSON.stringify(resources),
      })
      t.is(code, 1)
      t.regex(found, message)
      t.is(value(session, 'cpu', 'cpu.shares'), '200')
      t.is(value(session, pids, 'pids.max'), '20')
      t.is(value(session, 'memory', 'memory.limit_in_bytes'), String(64 << 20))
      t.is(readFileSync(`${session.root}/${session.id()}/record.json`, 'utf8'), record)
    }
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour(
  'a cgroup that is gone, or can’t be written, is an error',
  { runtimes: ours, unless: noV1 },
  async (t, session) => {
    await running(session)
    const readonly = 'mount -o remount,bind,ro /sys/fs/cgroup/pids; exec "$@"'
    const through = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', readonly, 'sh']
    const denied = await session.run(['update', '--pids-limit', '5', session.id()], { through })
    t.is(denied.code, 1)
    t.regex(denied.message, /pids\.max: read-only file system/)
    // Somebody moves its process away, removes the directory, and makes another one of the same name.
    const directory = directoryOf(session, 'pids')
    const { pid } = await session.state()
    await session.shell(`echo ${pid} > /sys/fs/cgroup/pids/cgroup.procs`)
    rmdirSync(directory)
    const gone = await session.run(['update', '--pids-limit', '5', session.id()])
    t.is(gone.code, 1)
    t.regex(gone.message, /find cgroup \S+: no such file or directory/)
    mkdirSync(directory)
    const other = await session.run(['update', '--pids-limit', '5', session.id()])
    t.is(other.code, 1)
    t.is(readFileSync(`${directory}/pids.max`, 'utf8'), 'max\n')
    rmdirSync(directory)
    await session.ok(['delete', '--force', session.id()])
  },
)

/** Opens a device (fuse(4), which asks for no capability) as often as told, and says how that went. */
const opener = 'exec 3<>/fifo; while read -r go <&3; do (: </dev/fuse) 2>/dev/null && echo yes || echo no; done'

for (const view of ['v1', 'v2'] as const) {
  behaviour(
    `on ${view} the device rules of a running container are replaced`,
    { runtimes: ours, view, unless: noFuse ?? (view === 'v1' ? noV1 : undefined) },
    async (t, session) => {
      const fifo = session.path('fifo')
      await session.shell(`mkfifo ${fifo}`)
      session.bundle({
        args: ['sh', '-c', opener],
        edit: (spec) => {
          spec.linux.devices = [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666 }]
          spec.mounts.push({ destination: '/fifo', type: 'bind', source: fifo, options: ['bind'] })
        },
      })
      const run = session.spawn(['run', session.id()])
      await until('it runs', async () => (await session.run(['state', session.id()])).stdout.includes('running'))
      const ask = async (answers: string): Promise<void> => {
        await session.shell(`echo go > ${fifo}`)
        await until('it has answered', () => run.stdout().length >= answers.length)
        t.is(run.stdout(), answers)
      }
      const update = (devices: readonly object[]) =>
        session.ok(['update', '-r', '-', session.id()], { input: JSON.stringify({ devices }) })
      const fuse = { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }
      await ask('no\n')
      await update([fuse])
      await ask('no\nyes\n')
      await update([{ ...fuse, access: 'w' }])
      await ask('no\nyes\nno\n')
      await update([{ allow: true, access: 'rwm' }])
      await ask('no\nyes\nno\nyes\n')
      await update([])
      await ask('no\nyes\nno\nyes\nno\n')
      t.is((await session.state()).status, 'running')
      // However often: they take each other's place and don't pile up (the kernel takes 64).
      if (view === 'v2') for (let count = 0; count < 70; count += 1) await update([fuse])
      if (view === 'v2') await ask('no\nyes\nno\nyes\nno\nyes\n')
      await session.ok(['kill', session.id(), 'KILL'])
      t.is((await run.finished).code, 137)
    },
  )
}

behaviour('updates at the same time all count', { runtimes: ours }, async (t, session) => {
  await running(session)
  const options = [
    ['--pids-limit', '30'],
    ['--cpu-share', '300'],
    ['--memory', '300m'],
    ['--cpuset-cpus', '0'],
  ]
  await Promise.all(options.map((words) => session.ok(['update', ...words, session.id()])))
  const { resources } = JSON.parse(readFileSync(`${session.root}/${session.id()}/record.json`, 'utf8'))
  t.deepEqual(JSON.parse(resources), {
    pids: { limit: 30 },
    cpu: { shares: 300, cpus: '0' },
    memory: { limit: 300 << 20 },
  })
  await session.ok(['delete', '--force', session.id()])
})

behaviour('update on a machine without a cgroup for it says so', { runtimes: ours, view: 'v2' }, async (t, session) => {
  await running(session)
  const { code, message } = await session.run(['update', '--cpu-share', '5', session.id()])
  if (existsSync('/sys/fs/cgroup/cpu')) {
    t.is(code, 1)
    t.regex(message, /cpu\.shares: no cgroup controller cpu here/)
  } else t.is(code, 0)
  await session.ok(['delete', '--force', session.id()])
})
