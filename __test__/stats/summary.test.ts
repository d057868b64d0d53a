/** The few numbers of `stats` and of the Node API, and their table. */
import test from 'ava'
import { bytes, statsRow } from '../../src/cli/stats-table.js'
import { summarize } from '../../src/stats/summary.js'

const V1 = {
  'cpuacct.usage': '1500000000\n',
  'cpuacct.stat': 'user 100\nsystem 50\n',
  'memory.usage_in_bytes': '4096\n',
  'memory.max_usage_in_bytes': '8192\n',
  'memory.limit_in_bytes': '9223372036854771712\n',
  'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  'pids.current': '3\n',
  'pids.peak': '5\n',
  'pids.max': 'max\n',
  'blkio.throttle.io_service_bytes_recursive': '254:0 Read 1\n254:0 Write 2\n8:0 Read 10\nTotal 13\n',
}
const V2 = {
  'cpu.stat': 'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n',
  'memory.current': '4096\n',
  'memory.peak': '8192\n',
  'memory.max': 'max\n',
  'memory.events': 'low 0\noom 3\noom_kill 2\n',
  'pids.current': '3\n',
  'pids.peak': '5\n',
  'pids.max': 'max\n',
  'io.stat':
    '254:0 rbytes=1 wbytes=2 rios=1 wios=1 dbytes=0 dios=0\n8:0 rbytes=10 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
}

test('both versions come to the same', (t) => {
  const expected = {
    cpu: { totalMs: 1500, userMs: 1000, systemMs: 500 },
    memory: { current: 4096, peak: 8192, limit: null },
    pids: { current: 3, peak: 5, limit: null },
    io: { read: 11, written: 2 },
    oomKills: 2,
    pressure: { cpu: undefined, memory: undefined, io: undefined },
  }
  t.deepEqual(summarize({ v1: V1, v2: {} }), expected)
  t.deepEqual(summarize({ v1: {}, v2: V2 }), expected)
  // Beside v1 controllers, v2 counts processor time for itself.
  t.deepEqual(summarize({ v1: V1, v2: { 'cpu.stat': 'usage_usec 7\n' } }), expected)
})

test('what nothing counts is null, and limits are numbers', (t) => {
  t.deepEqual(summarize({ v1: {}, v2: {} }), {
    cpu: { totalMs: null, userMs: null, systemMs: null },
    memory: { current: null, peak: null, limit: null },
    pids: { current: null, peak: null, limit: null },
    io: { read: null, written: null },
    oomKills: null,
    pressure: { cpu: undefined, memory: undefined, io: undefined },
  })
  t.is(summarize({ v1: {}, v2: { 'memory.max': '4096\n' } }).memory.limit, 4096)
  t.is(summarize({ v1: { ...V1, 'pids.max': '9\n' }, v2: {} }).pids.limit, 9)
})

test('a row: the share of a processor is since the last row, at first since the beginning', (t) => {
  const stats = summarize({ v1: V1, v2: {} })
  const sample = { id: 'web', created: 0, at: 3000, stats }
  const rest = ['1.50s', '4.0KiB', '-', '8.0KiB', '3', '11B', '2B', '2']
  t.deepEqual(statsRow(sample), ['web', '50.0', ...rest])
  const before = { ...sample, at: 2000, stats: { ...stats, cpu: { ...stats.cpu, totalMs: 500 } } }
  t.deepEqual(statsRow(sample, before), ['web', '100.0', ...rest])
  t.is(statsRow({ ...sample, stats: summarize({ v1: {}, v2: {} }) })[1], '-')
})

test('bytes have three digits and a unit', (t) => {
  t.deepEqual([0, 999, 1000, 1 << 20, 100 << 20, 2 ** 41].map(bytes), [
    '0B',
    '999B',
    '1.0KiB',
    '1.0MiB',
    '100MiB',
    '2.0TiB',
  ])
})
