/** The statistics of `events`, as runc has them, from the files of either version. */
import test from 'ava'
import { goJsonLine } from '../../src/cli/json.js'
import { eventStats } from '../../src/stats/events.js'

function text(v1: Record<string, string>, v2: Record<string, string> = {}): string {
  return goJsonLine(eventStats({ v1, v2 }))
}

const PSI =
  'some avg10=1.50 avg60=0.00 avg300=0.25 total=17\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9007199254740993\n'
const PRESSURE =
  '"psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0.25,"total":17},"full":{"avg10":0,"avg60":0,"avg300":0,"total":9007199254740993}}'

const NO_CPUSET =
  '"cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,' +
  '"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0}'

test('v1', (t) => {
  const memory = (kind: string, limit: string, usage: string) => ({
    [`memory.${kind}limit_in_bytes`]: `${limit}\n`,
    [`memory.${kind}usage_in_bytes`]: `${usage}\n`,
    [`memory.${kind}max_usage_in_bytes`]: '9\n',
    [`memory.${kind}failcnt`]: '2\n',
  })
  const files = {
    'cpuacct.usage': '10243785\n',
    'cpuacct.usage_percpu': '351914 9891871 \n',
    'cpuacct.usage_all': 'cpu user system\n0 1 2\n1 3 4\n',
    'cpuacct.stat': 'user 3\nsystem 5\n',
    'cpu.stat': 'nr_periods 7\nnr_throttled 6\nthrottled_time 5\nnr_bursts 0\nburst_time 0\n',
    'cpuset.cpus': '0-1,4\n',
    'cpuset.mems': '0\n',
    'cpuset.sched_load_balance': '1\n',
    'cpuset.sched_relax_domain_level': '-1\n',
    ...memory('', '9223372036854771712', '5'),
    ...memory('memsw.', '33554432', '0'),
    ...memory('kmem.', '1', '1'),
    'memory.stat': 'rss 1\ncache 4096\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n',
    'pids.current': '1\n',
    'pids.max': 'max\n',
    'blkio.bfq.io_service_bytes_recursive': 'Total 0\n',
    'blkio.throttle.io_service_bytes_recursive': '254:0 Read 4096\n254:0 Total 4096\nTotal 4096\n',
    'blkio.throttle.io_serviced_recursive': '254:0 Read 1\nTotal 1\n',
    'hugetlb.2MB.usage_in_bytes': '0\n',
    'hugetlb.2MB.max_usage_in_bytes': '2097152\n',
    'hugetlb.2MB.failcnt': '1\n',
  }
  t.is(
    text(files, { 'cpu.pressure': PSI }),
    `{"cpu":{"usage":{"total":10243785,"percpu":[351914,9891871],"percpu_kernel":[2,4],"percpu_user":[1,3],"kernel":50000000,"user":30000000},` +
      `"throttling":{"periods":7,"throttledPeriods":6,"throttledTime":5},${PRESSURE}},` +
      `"cpuset":{"cpus":[0,1,4],"cpu_exclusive":0,"mems":[0],"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,` +
      `"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":1,"sched_relax_domain_level":-1},` +
      `"memory":{"cache":4096,"usage":{"limit":9223372036854771712,"usage":5,"max":9,"failcnt":2},` +
      `"swap":{"limit":33554432,"max":9,"failcnt":2},"kernel":{"limit":1,"usage":1,"max":9,"failcnt":2},` +
      `"kernelTCP":{"limit":0,"failcnt":0},"raw":{"cache":4096,"rss":1},"oom_kill":3},` +
      `"pids":{"current":1},` +
      `"blkio":{"ioServiceBytesRecursive":[{"major":254,"op":"Read","value":4096},{"major":254,"op":"Total","value":4096}],` +
      `"ioServicedRecursive":[{"major":254,"op":"Read","value":1}]},` +
      `"hugetlb":{"2MB":{"max":2097152,"failcnt":1}},"intel_rdt":{},"network_interfaces":null}`,
  )
})

test('v2: times in nanoseconds, swap together with memory, no limit as the largest number', (t) => {
  const files = {
    'cpu.stat': 'usage_usec 10\nuser_usec 3\nsystem_usec 7\nnr_periods 2\nnr_throttled 1\nthrottled_usec 4\n',
    'memory.current': '4096\n',
    'memory.peak': '8192\n',
    'memory.max': 'max\n',
    'memory.swap.current': '5\n',
    'memory.swap.max': '100\n',
    'memory.stat': 'anon 1\nfile 2\n',
    'memory.events': 'low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\noom_group_kill 0\n',
    'memory.pressure': PSI,
    'pids.current': '2\n',
    'pids.max': '20\n',
    'io.stat': '254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n',
    'hugetlb.2MB.rsvd.current': '2097152\n',
    'hugetlb.2MB.events': 'max 5\n',
  }
  t.is(
    text({}, files),
    `{"cpu":{"usage":{"total":10000,"kernel":7000,"user":3000},"throttling":{"periods":2,"throttledPeriods":1,"throttledTime":4000}},` +
      `${NO_CPUSET},"memory":{"cache":2,"usage":{"limit":18446744073709551615,"usage":4096,"max":8192,"failcnt":0},` +
      `"swap":{"limit":18446744073709551615,"usage":4101,"failcnt":0},"kernel":{"limit":0,"failcnt":0},` +
      `"kernelTCP":{"limit":0,"failcnt":0},"raw":{"anon":1,"file":2},"oom_kill":1,${PRESSURE}},"pids":{"current":2,"limit":20},` +
      `"blkio":{"ioServiceBytesRecursive":[{"major":254,"op":"Read","value":1},{"major":254,"op":"Write","value":2},{"major":254,"op":"Discard"}],` +
      `"ioServicedRecursive":[{"major":254,"op":"Read","value":3},{"major":254,"op":"Write","value":4},{"major":254,"op":"Discard"}]},` +
      `"hugetlb":{"2MB":{"usage":2097152,"failcnt":5}},"intel_rdt":{},"network_interfaces":null}`,
  )
  const limited = eventStats({
    v1: {},
    v2: { 'memory.max': '50\n', 'memory.swap.max': '100\n', 'memory.current': '1\n' },
  })
  t.regex(goJsonLine(limited), /"swap":\{"limit":150,"usage":1,"failcnt":0\}/)
})

test('a controller that is not there counts nothing', (t) => {
  t.is(
    text({}, {}),
    `{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},${NO_CPUSET},"memory":{"usage":{"limit":0,"failcnt":0},` +
      `"swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},"oom_kill":0},` +
      `"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}`,
  )
})
