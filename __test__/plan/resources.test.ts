/** linux.resources as values of files: the conversion table of docs/cgroups.md, row by row. */
import test from 'ava'
import type { CgroupHierarchy } from '../../src/host/host.js'
import { toIoWeight } from '../../src/plan/block-io.js'
import { sharesToWeight } from '../../src/plan/cpu.js'
import { planSettings, writesOf } from '../../src/plan/resources.js'
import type { Resources } from '../../src/spec/spec.js'

const CONTROLLERS = ['cpuset', 'cpu', 'memory', 'pids', 'hugetlb', 'rdma']

const V1: readonly CgroupHierarchy[] = [...CONTROLLERS, 'blkio', 'net_cls', 'net_prio'].map((controller) => ({
  mount: `/sys/fs/cgroup/${controller}`,
  version: 1,
  controllers: [controller],
  own: '/',
}))
const V2: readonly CgroupHierarchy[] = [
  { mount: '/sys/fs/cgroup', version: 2, controllers: [...CONTROLLERS, 'io', 'misc'], own: '/' },
]

/** `FILE=VALUE` for each write; `, else …` where the file may be missing. */
function written(resources: Resources, hierarchies: readonly CgroupHierarchy[], update = false): string[] {
  return [...writesOf(planSettings(resources, hierarchies, update)).values()]
    .flat()
    .map(({ file, value, otherwise, atLeast }) => {
      const other =
        otherwise === undefined
          ? ''
          : otherwise === 'nothing'
            ? ', else nothing'
            : `, else ${otherwise.write.file}=${otherwise.write.value}`
      return `${file}=${value}${other}${atLeast === undefined ? '' : ` if at least ${atLeast}`}`
    })
}

const sda = { major: 8, minor: 0 }

/** A list, or the error: what v2 can't express. */
type Expected = readonly string[] | string

const rows: readonly (readonly [resources: Resources, v1: Expected, v2: Expected])[] = [
  [{ memory: { limit: 4096 } }, ['memory.limit_in_bytes=4096'], ['memory.max=4096']],
  [
    { memory: { limit: -1 } },
    ['memory.limit_in_bytes=-1', 'memory.memsw.limit_in_bytes=-1, else nothing'],
    ['memory.max=max', 'memory.swap.max=max, else nothing'],
  ],
  [
    { memory: { limit: 9223372036854771712n, swap: -1 } },
    ['memory.limit_in_bytes=9223372036854771712', 'memory.memsw.limit_in_bytes=-1, else nothing'],
    ['memory.max=9223372036854771712', 'memory.swap.max=max, else nothing'],
  ],
  [
    { memory: { limit: 4096, swap: 12288 } },
    ['memory.limit_in_bytes=4096', 'memory.memsw.limit_in_bytes=12288'],
    ['memory.max=4096', 'memory.swap.max=8192'],
  ],
  [
    { memory: { limit: 4096, swap: 4096 } },
    ['memory.limit_in_bytes=4096', 'memory.memsw.limit_in_bytes=4096'],
    ['memory.max=4096', 'memory.swap.max=0, else nothing'],
  ],
  [{ memory: { reservation: 4096 } }, ['memory.soft_limit_in_bytes=4096'], ['memory.low=4096']],
  [{ memory: { kernelTCP: 4096 } }, ['memory.kmem.tcp.limit_in_bytes=4096'], 'memory.kernelTCP'],
  [{ memory: { kernelTCP: -1 } }, ['memory.kmem.tcp.limit_in_bytes=-1'], []],
  [{ memory: { kernel: -1 } }, [], []],
  [{ memory: { swappiness: 0 } }, ['memory.swappiness=0'], 'memory.swappiness'],
  [{ memory: { swappiness: -1 } }, [], []],
  [{ memory: { swappiness: 18446744073709551615n } }, [], []],
  [{ memory: { disableOOMKiller: true } }, ['memory.oom_control=1'], 'memory.disableOOMKiller'],
  [{ memory: { disableOOMKiller: false, useHierarchy: true } }, [], []],
  [
    { memory: { limit: 4096, checkBeforeUpdate: true } },
    ['memory.limit_in_bytes=4096 if at least memory.usage_in_bytes'],
    ['memory.max=4096 if at least memory.current'],
  ],
  [{ cpu: { shares: 512 } }, ['cpu.shares=512'], ['cpu.weight=59']],
  [{ cpu: { quota: 2000 } }, ['cpu.cfs_quota_us=2000'], ['cpu.max=2000 100000']],
  [{ cpu: { quota: -1 } }, ['cpu.cfs_quota_us=-1'], ['cpu.max=max 100000']],
  [{ cpu: { period: 5000 } }, ['cpu.cfs_period_us=5000'], ['cpu.max=max 5000']],
  [
    { cpu: { quota: 2000, period: 5000, burst: 1000 } },
    ['cpu.cfs_period_us=5000', 'cpu.cfs_quota_us=2000', 'cpu.cfs_burst_us=1000'],
    ['cpu.max=2000 5000', 'cpu.max.burst=1000'],
  ],
  [{ cpu: { burst: 0 } }, ['cpu.cfs_burst_us=0, else nothing'], ['cpu.max.burst=0, else nothing']],
  [{ cpu: { realtimeRuntime: 5000 } }, ['cpu.rt_runtime_us=5000'], 'cpu.realtimeRuntime'],
  [{ cpu: { realtimePeriod: 9000 } }, ['cpu.rt_period_us=9000'], 'cpu.realtimePeriod'],
  [{ cpu: { idle: 1, shares: 2 } }, ['cpu.shares=2', 'cpu.idle=1'], ['cpu.weight=1', 'cpu.idle=1']],
  [
    { cpu: { idle: 0, shares: 2 } },
    ['cpu.idle=0, else nothing', 'cpu.shares=2'],
    ['cpu.idle=0, else nothing', 'cpu.weight=1'],
  ],
  [{ cpu: { cpus: '0-1', mems: '0' } }, ['cpuset.cpus=0-1', 'cpuset.mems=0'], ['cpuset.cpus=0-1', 'cpuset.mems=0']],
  [{ pids: { limit: 10 } }, ['pids.max=10'], ['pids.max=10']],
  [{ pids: { limit: 0 } }, ['pids.max=1'], ['pids.max=1']],
  [{ pids: { limit: -1 } }, ['pids.max=max'], ['pids.max=max']],
  [
    { blockIO: { weight: 500 } },
    ['blkio.bfq.weight=500, else blkio.weight=500'],
    ['io.bfq.weight=500, else io.weight=4950'],
  ],
  [{ blockIO: { leafWeight: 500 } }, ['blkio.leaf_weight=500'], 'blockIO.leafWeight'],
  [
    { blockIO: { weightDevice: [{ ...sda, weight: 10 }] } },
    ['blkio.bfq.weight_device=8:0 10, else blkio.weight_device=8:0 10'],
    ['io.bfq.weight=8:0 10, else io.weight=8:0 1'],
  ],
  [
    { blockIO: { weightDevice: [{ ...sda, leafWeight: 10 }] } },
    ['blkio.leaf_weight_device=8:0 10'],
    'blockIO.weightDevice[0].leafWeight',
  ],
  [
    { blockIO: { throttleReadBpsDevice: [{ ...sda, rate: 7 }], throttleWriteIOPSDevice: [{ ...sda, rate: 0 }] } },
    ['blkio.throttle.read_bps_device=8:0 7', 'blkio.throttle.write_iops_device=8:0 0'],
    ['io.max=8:0 rbps=7', 'io.max=8:0 wiops=max'],
  ],
  [
    { blockIO: { throttleWriteBpsDevice: [{ ...sda, rate: 7 }], throttleReadIOPSDevice: [{ ...sda, rate: 8 }] } },
    ['blkio.throttle.write_bps_device=8:0 7', 'blkio.throttle.read_iops_device=8:0 8'],
    ['io.max=8:0 wbps=7', 'io.max=8:0 riops=8'],
  ],
  [
    { hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] },
    ['hugetlb.2MB.limit_in_bytes=4194304', 'hugetlb.2MB.rsvd.limit_in_bytes=4194304, else nothing'],
    ['hugetlb.2MB.max=4194304', 'hugetlb.2MB.rsvd.max=4194304, else nothing'],
  ],
  [
    { rdma: { mlx5_0: { hcaHandles: 2 }, mlx5_1: { hcaHandles: 3, hcaObjects: 4 } } },
    ['rdma.max=mlx5_0 hca_handle=2', 'rdma.max=mlx5_1 hca_handle=3 hca_object=4'],
    ['rdma.max=mlx5_0 hca_handle=2', 'rdma.max=mlx5_1 hca_handle=3 hca_object=4'],
  ],
  [{ network: { classID: 1048577 } }, ['net_cls.classid=1048577'], 'network.classID'],
  [
    { network: { priorities: [{ name: 'eth0', priority: 5 }] } },
    ['net_prio.ifpriomap=eth0 5'],
    'network.priorities[0]',
  ],
  [
    { unified: { 'memory.high': '5', 'cgroup.freeze': '0' } },
    'unified["memory.high"]',
    ['memory.high=5', 'cgroup.freeze=0'],
  ],
  [{ unified: { 'misc.max': 'res_a 3' } }, 'unified["misc.max"]', ['misc.max=res_a 3']],
  [
    {
      memory: { limit: 0, swap: 0 },
      cpu: { shares: 0, quota: 0, period: 0, realtimeRuntime: 0 },
      network: {},
      pids: {},
    },
    [],
    [],
  ],
]

for (const [resources, v1, v2] of rows) {
  const text = JSON.stringify(resources, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  for (const [version, expected, hierarchies] of [
    ['v1', v1, V1],
    ['v2', v2, V2],
  ] as const) {
    test(`${version}: ${text}`, (t) => {
      if (typeof expected !== 'string') {
        t.deepEqual(written(resources, hierarchies), [...expected])
        return
      }
      const why = version === 'v1' ? 'needs cgroup v2 alone' : 'cgroup v2 has no such control'
      const controller = expected.startsWith('network.classID') ? 'net_cls' : 'net_prio'
      const message = `linux.resources.${expected}: ${why}`
      const { message: found } = t.throws(() => written(resources, hierarchies), { name: 'PlanError' }) ?? {}
      t.true(
        [message, `linux.resources.${expected}: no cgroup controller ${controller} here`].includes(found ?? ''),
        found,
      )
    })
  }
}

test('limits of memory come last: to lower one may end processes, which no other error can undo', (t) => {
  t.deepEqual(written({ memory: { limit: 4096 }, pids: { limit: 1 }, cpu: { shares: 2 } }, V2), [
    'cpu.weight=1',
    'pids.max=1',
    'memory.max=4096',
  ])
})

test('values that ask for what is so anyway need no controller', (t) => {
  const nothing: Resources = {
    memory: {
      limit: -1,
      reservation: -1,
      swap: -1,
      kernel: -1,
      kernelTCP: -1,
      swappiness: -1,
      disableOOMKiller: false,
    },
    cpu: { shares: 0, quota: -1, idle: 0 },
    pids: { limit: -1 },
    blockIO: { weight: 0, throttleReadBpsDevice: [{ ...sda, rate: 0 }] },
  }
  t.deepEqual(written(nothing, []), [])
  t.deepEqual(written(nothing, [{ mount: '/sys/fs/cgroup', version: 2, controllers: [], own: '/' }]), [])
})

test('an update can take disableOOMKiller back', (t) => {
  t.deepEqual(written({ memory: { disableOOMKiller: false } }, V1, true), ['memory.oom_control=0'])
})

test('shares become weights on runc’s curve', (t) => {
  const points: readonly (readonly [number, number])[] = [
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262143, 10000],
    [262144, 10000],
    [1e9, 10000],
  ]
  for (const [shares, weight] of points) t.is(sharesToWeight(shares), weight, String(shares))
})

test('weights of block devices become io weights in a straight line', (t) => {
  t.deepEqual([10, 100, 500, 1000].map(toIoWeight), [1n, 910n, 4950n, 10000n])
})

const refused: readonly { readonly resources: Resources; readonly cgroups?: typeof V2; readonly message: string }[] = [
  { resources: { memory: { limit: 1 } }, cgroups: [], message: 'memory.limit: no cgroup controller memory here' },
  { resources: { cpu: { cpus: '0' } }, cgroups: [], message: 'cpu.cpus: no cgroup controller cpuset here' },
  { resources: { blockIO: { weight: 10 } }, cgroups: [], message: 'blockIO.weight: no cgroup controller io here' },
  {
    resources: { blockIO: { weight: 10 } },
    cgroups: V1.slice(0, 1),
    message: 'blockIO.weight: no cgroup controller blkio here',
  },
  {
    resources: { memory: { kernel: 1 } },
    message: 'memory.kernel: the kernel has had no such limit since Linux 5.16: its memory counts in memory.limit',
  },
  { resources: { memory: { swap: 5 } }, message: 'memory.swap: needs a limit of memory too' },
  {
    resources: { memory: { limit: 9, swap: 5 } },
    message: 'memory.swap: 5, memory and swap together, is less than the limit 9',
  },
  { resources: { cpu: { quota: 5, burst: 6 } }, message: 'cpu.burst: 6 is more than the quota 5' },
  {
    resources: { unified: { 'memory.high': '5' } },
    cgroups: [...V1, ...V2],
    message: 'unified["memory.high"]: needs cgroup v2 alone',
  },
  { resources: { unified: { 'perf.x': '5' } }, message: 'unified["perf.x"]: no cgroup controller perf here' },
  {
    resources: { unified: { 'memory.high/../../x': '5' } },
    message: 'unified["memory.high/../../x"]: expected the name of a file such as memory.high',
  },
]

for (const { resources, cgroups = V2, message } of refused) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => written(resources, cgroups), { name: 'PlanError', message: `linux.resources.${message}` })
  })
}
