/** linux.resources on a real kernel: what the hierarchies of this machine have is set, what they lack is an error. */
import { existsSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { type Expected, expectedHere, noV1, valuesOf, withResources } from '../harness/cgroups.js'
import { markedCgroups } from '../harness/machine.js'
import { likeRunc, ours, type RuntimeName } from '../harness/runtime.js'

/** The disk that the root file system is on, as far as /proc/partitions knows one: `254:0`. */
const disk = /^ +(\d+) +(\d+) +\d+ (?:vd|sd|nvme)\S+$/m.exec(readFileSync('/proc/partitions', 'utf8'))
const device = { major: Number(disk?.[1]), minor: Number(disk?.[2]) }
const noDisk = disk === null ? 'no disk here' : undefined

/** The file of weights that the kernel's I/O scheduler is for, if it is for any. */
const weight = ['io.bfq.weight', 'io.weight'].find((file) => existsSync(`/sys/fs/cgroup/system.slice/${file}`))

interface Row extends Expected {
  readonly resources: Record<string, unknown>
  readonly runtimes?: readonly RuntimeName[]
  readonly unless?: string | undefined
}

const rows: readonly Row[] = [
  {
    resources: { memory: { limit: 64 << 20, swap: 128 << 20, reservation: 32 << 20 } },
    v1: {
      'memory.limit_in_bytes': String(64 << 20),
      'memory.memsw.limit_in_bytes': String(128 << 20),
      'memory.soft_limit_in_bytes': String(32 << 20),
    },
    v2: {
      'memory.max': String(64 << 20),
      'memory.swap.max': String(64 << 20),
      'memory.low': String(32 << 20),
    },
  },
  { resources: { memory: { swappiness: 10 } }, v1: { 'memory.swappiness': '10' } },
  { resources: { memory: { swappiness: 0 } }, v1: { 'memory.swappiness': '0' } },
  {
    resources: { memory: { kernelTCP: 1 << 20 } },
    v1: { 'memory.kmem.tcp.limit_in_bytes': String(1 << 20) },
    runtimes: ours,
  },
  {
    resources: { memory: { disableOOMKiller: true } },
    v1: { 'memory.oom_control': 'oom_kill_disable 1\nunder_oom 0\noom_kill 0' },
  },
  {
    resources: { cpu: { quota: 20_000, period: 50_000, burst: 10_000 } },
    v1: { 'cpu.cfs_quota_us': '20000', 'cpu.cfs_period_us': '50000', 'cpu.cfs_burst_us': '10000' },
    v2: { 'cpu.max': '20000 50000', 'cpu.max.burst': '10000' },
    runtimes: ours,
  },
  {
    resources: { cpu: { realtimePeriod: 500_000, realtimeRuntime: 10_000 } },
    v1: { 'cpu.rt_period_us': '500000', 'cpu.rt_runtime_us': '10000' },
    runtimes: ours,
    unless: existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us') ? undefined : 'the kernel has no real-time groups',
  },
  { resources: { cpu: { idle: 1, shares: 100 } }, v1: { 'cpu.idle': '1' }, v2: { 'cpu.idle': '1' }, runtimes: ours },
  {
    resources: { cpu: { idle: 0, shares: 1024 } },
    v1: { 'cpu.idle': '0', 'cpu.shares': '1024' },
    v2: { 'cpu.idle': '0', 'cpu.weight': '100' },
    runtimes: ours,
  },
  {
    resources: { cpu: { cpus: '0', mems: '0' } },
    v1: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
    v2: { 'cpuset.cpus': '0', 'cpuset.mems': '0' },
  },
  { resources: { pids: { limit: 0 } }, v1: { 'pids.max': '1' }, v2: { 'pids.max': '1' }, runtimes: ours },
  {
    resources: { blockIO: { weight: 300 } },
    v1: { 'blkio.bfq.weight': '300' },
    ...(weight && { v2: { [weight]: weight === 'io.weight' ? 'default 2930' : 'default 300' } }),
  },
  {
    resources: {
      blockIO: {
        throttleReadBpsDevice: [{ ...device, rate: 1_000_000 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2_000_000 }],
        throttleReadIOPSDevice: [{ ...device, rate: 100 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 0 }],
      },
    },
    v1: {
      'blkio.throttle.read_bps_device': `${device.major}:${device.minor} 1000000`,
      'blkio.throttle.write_bps_device': `${device.major}:${device.minor} 2000000`,
      'blkio.throttle.read_iops_device': `${device.major}:${device.minor} 100`,
      'blkio.throttle.write_iops_device': '',
    },
    v2: { 'io.max': `${device.major}:${device.minor} rbps=1000000 wbps=2000000 riops=100 wiops=max` },
    unless: noDisk,
  },
]

for (const { resources, runtimes = likeRunc, unless, ...expected } of rows) {
  const files = expectedHere(expected)
  if (files === undefined && noV1 !== undefined) {
    behaviour(`resources ${JSON.stringify(resources)} are an error on v2`, { runtimes: ours }, async (t, session) => {
      session.bundle({ edit: (spec) => (spec.linux.resources = resources) })
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(message, /linux\.resources\.\w+\.\w+: (cgroup v2 has no such control|no cgroup controller)/)
      t.deepEqual(markedCgroups(session.mark), [])
    })
    continue
  }
  behaviour(`resources ${JSON.stringify(resources)}`, { runtimes, unless }, async (t, session) => {
    await withResources(session, resources, () => t.deepEqual(valuesOf(session, files), files))
  })
}

const unified = existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup'
const noHugetlb = readFileSync(`${unified}/cgroup.controllers`, 'utf8').includes('hugetlb')
  ? undefined
  : 'no hugetlb controller of v2 here'

for (const view of [undefined, 'v2'] as const) {
  behaviour(
    `a controller that v2 has is used there, ${view === 'v2' ? 'alone' : 'beside v1 hierarchies'}`,
    { runtimes: ours, unless: noHugetlb, ...(view && { view }) },
    async (t, session) => {
      await withResources(session, { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] }, () => {
        const [directory] = markedCgroups(session.mark, unified)
        t.is(readFileSync(`${directory}/hugetlb.2MB.max`, 'utf8'), `${4 << 20}\n`)
        t.is(readFileSync(`${directory}/hugetlb.2MB.rsvd.max`, 'utf8'), `${4 << 20}\n`)
      })
    },
  )
}

const refused: readonly (Pick<Row, 'resources' | 'unless'> & { view?: 'v2'; message: RegExp })[] = [
  {
    resources: { cpu: { cpus: '0-9999' } },
    message: /write 0-9999 to \S+\/cpuset\.cpus: numerical result out of range/,
  },
  { resources: { cpu: { cpus: 'x' } }, message: /write x to \S+\/cpuset\.cpus: invalid argument/ },
  {
    resources: { blockIO: { throttleReadBpsDevice: [{ major: 4095, minor: 0, rate: 1 }] } },
    message: /write 4095:0 1 to \S+\/blkio\.throttle\.read_bps_device: no such device/,
  },
  { resources: { blockIO: { leafWeight: 10 } }, message: /blkio\.leaf_weight: no such file or directory/ },
  {
    resources: { hugepageLimits: [{ pageSize: '3MB', limit: 0 }] },
    unless: noHugetlb,
    message: /hugetlb\.3MB\.max: no such file/,
  },
  {
    resources: { memory: { kernel: 1 << 20 } },
    message: /linux\.resources\.memory\.kernel: the kernel has had no such limit/,
  },
  { resources: { rdma: { mlx5_0: { hcaHandles: 1 } } }, message: /rdma\["mlx5_0"\]: no cgroup controller rdma here/ },
  { resources: { network: { classID: 1 } }, message: /network\.classID: no cgroup controller net_cls here/ },
  { view: 'v2', resources: { cpu: { shares: 2 } }, message: /cpu\.shares: no cgroup controller cpu here/ },
  {
    view: 'v2',
    resources: { memory: { swappiness: 1 } },
    message: /memory\.swappiness: (no cgroup controller memory here|cgroup v2 has no such control)/,
  },
]

for (const { resources, view, unless = noV1, message } of refused) {
  behaviour(
    `resources ${JSON.stringify(resources)} are an error ${view === undefined ? 'here' : 'on v2 without the controller'}`,
    { runtimes: ours, unless, ...(view && { view }) },
    async (t, session) => {
      session.bundle({ edit: (spec) => (spec.linux.resources = resources) })
      const result = await session.run(['run', session.id()])
      t.is(result.code, 1)
      t.regex(result.message, message)
      t.deepEqual(markedCgroups(session.mark), [])
    },
  )
}

behaviour(
  'what Docker and podman always send asks for no controller',
  { runtimes: ours, view: 'v2' },
  async (t, session) => {
    session.bundle({
      args: ['echo', 'ran'],
      edit: (spec) =>
        (spec.linux.resources = {
          memory: { disableOOMKiller: false },
          cpu: { shares: 0, quota: 0, period: 0, realtimeRuntime: 0, cpus: '', mems: '' },
          pids: { limit: -1 },
          blockIO: { weight: 0 },
        }),
    })
    t.is(await session.ok(['run', session.id()]), 'ran\n')
  },
)
