/** `events` and `stats`: what a container uses, and that it ran out of memory. */
import { behaviour } from '../harness/behaviour.js'
import { noV1 } from '../harness/cgroups.js'
import { helper, noPython } from '../harness/python.js'
import { ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { until } from '../harness/until.js'

/** A running container with limits. */
async function running(session: Session, args = ['sleep', '60']): Promise<void> {
  session.bundle({
    args,
    edit: (spec) =>
      (spec.linux.resources = {
        memory: { limit: 32 << 20 },
        pids: { limit: 20 },
        cpu: { quota: 50_000, period: 100_000 },
      }),
  })
  await session.ok(['run', '-d', session.id()])
}

behaviour('events --stats prints one document, as runc has it', {}, async (t, session) => {
  await running(session)
  const text = await session.ok(['events', '--stats', session.id()])
  t.regex(text, /^\{"type":"stats","id":"[^"]+","data":\{"cpu":\{"usage":\{"total":\d+,[^\n]*\}\n$/)
  const { type, id, data } = JSON.parse(text)
  t.is(type, 'stats')
  t.is(id, session.id())
  t.deepEqual(Object.keys(data), [
    'cpu',
    'cpuset',
    'memory',
    'pids',
    'blkio',
    'hugetlb',
    'intel_rdt',
    'network_interfaces',
  ])
  // v2 does not count what each processor did, nor does runc ask it for its cpusets.
  const each = noV1 === undefined ? ['percpu', 'percpu_kernel', 'percpu_user'] : []
  t.deepEqual(Object.keys(data.cpu.usage), ['total', ...each, 'kernel', 'user'])
  if (noV1 === undefined) t.deepEqual(Object.keys(data.cpuset).slice(0, 3), ['cpus', 'cpu_exclusive', 'mems'])
  t.deepEqual(
    Object.keys(data.memory)
      .filter((name) => name !== 'cache')
      .slice(0, 5),
    ['usage', 'swap', 'kernel', 'kernelTCP', 'raw'],
  )
  t.is(data.memory.usage.limit, 32 << 20)
  t.true(data.memory.usage.usage > 0 && data.memory.usage.max >= data.memory.usage.usage)
  if (noV1 === undefined) t.is(data.memory.raw.hierarchical_memory_limit, 32 << 20)
  else t.true(data.memory.raw.anon > 0)
  t.deepEqual(data.pids, { current: 1, limit: 20 })
  t.is(data.network_interfaces, null)
  await session.ok(['delete', '--force', session.id()])
})

behaviour('events prints statistics after each interval, until the container is gone', {}, async (t, session) => {
  await running(session)
  const events = session.spawn(['events', '--interval', '100ms', session.id()])
  await until('there are three', () => events.stdout().split('\n').length > 3)
  for (const line of events.stdout().trim().split('\n').slice(0, 3)) t.is(JSON.parse(line).type, 'stats')
  await session.ok(['delete', '--force', session.id()])
  t.is((await events.finished).code, 0)
})

behaviour('events end with the last process', { runtimes: ours }, async (t, session) => {
  for (const view of [
    [],
    [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      'umount /sys/fs/cgroup/unified || :; exec "$@"',
      'sh',
    ],
  ]) {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['run', '-d', session.id()], { through: view })
    const events = session.spawn(['events', '--interval', '50ms', session.id()])
    await until('there is one', () => events.stdout() !== '')
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await events.finished).code, 0)
    t.is((await session.state()).status, 'stopped')
    await session.ok(['delete', session.id()])
  }
})

/** Takes 64 MiB when told to, three times. */
const greedy = [
  'sh',
  '-c',
  'exec 3<>/fifo; while read -r go <&3; do dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; done',
]

for (const view of ['v1', undefined] as const) {
  behaviour(
    `a process that is killed for want of memory is an event, ${view === 'v1' ? 'on v1 alone' : 'here'}`,
    view ? { view } : {},
    async (t, session) => {
      const fifo = session.path('fifo')
      await session.shell(`mkfifo ${fifo}`)
      session.bundle({
        args: greedy,
        edit: (spec) => {
          spec.mounts.push({ destination: '/fifo', type: 'bind', source: fifo, options: ['bind'] })
          spec.linux.resources = { memory: { limit: 16 << 20 } }
        },
      })
      await session.ok(['run', '-d', session.id()])
      const events = session.spawn(['events', '--interval', '100ms', session.id()])
      const seen = () =>
        events
          .stdout()
          .split('\n')
          .filter((line) => line === `{"type":"oom","id":"${session.id()}"}`).length
      await until('it watches', () => events.stdout() !== '')
      for (const count of [1, 2, 3]) {
        await session.shell(`echo go > ${fifo}`)
        await until('it is told', () => seen() >= count)
      }
      if (session.runtime.name !== 'runc') {
        t.is(seen(), 3)
        const { data } = JSON.parse(await session.ok(['events', '--stats', session.id()]))
        t.is(data.memory.oom_kill, 3)
        t.regex(await session.ok(['stats', session.id()]), / 3\n$/)
      }
      await session.ok(['delete', '--force', session.id()])
      t.is((await events.finished).code, 0)
    },
  )
}

behaviour(
  'events on v2 without controllers: what the kernel always counts',
  { runtimes: ours, view: 'v2' },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['run', '-d', session.id()])
    const { data } = JSON.parse(await session.ok(['events', '--stats', session.id()]))
    t.true(data.cpu.usage.total > 0)
    t.is(typeof data.cpu.psi.some.total, 'number')
    const events = session.spawn(['events', '--interval', '50ms', session.id()])
    await until('there is one', () => events.stdout() !== '')
    await session.ok(['delete', '--force', session.id()])
    t.is((await events.finished).code, 0)
  },
)

behaviour('events say why there are none', {}, async (t, session) => {
  session.bundle({ args: ['true'] })
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  for (const [words, message] of [
    [['--stats', session.id()], /container with id \S+ is not running/],
    [[session.id()], /container with id \S+ is not running/],
    [['--interval', '0s', session.id()], /must be greater than 0/],
    [['--interval', 'soon', session.id()], /invalid (time|value|duration) "?soon/],
    [[session.id('none')], /does not exist/],
  ] as const) {
    const result = await session.run(['events', ...words])
    t.is(result.code, 1)
    t.regex(result.message, message)
  }
  await session.ok(['delete', session.id()])
})

behaviour(
  'stats shows a line a container, of those that are named or all that run',
  { runtimes: ours },
  async (t, session) => {
    await running(session, ['sh', '-c', 'while :; do :; done'])
    session.bundle({ args: ['sleep', '60'], name: 'other' })
    await session.ok(['create', session.id('other')])
    const lines = async (...words: string[]) => (await session.ok(['stats', ...words])).trimEnd().split('\n')
    const [title, line, ...more] = await lines()
    t.deepEqual(title?.split(/ {2,}/), [
      'ID',
      'CPU %',
      'CPU TIME',
      'MEMORY',
      'LIMIT',
      'PEAK',
      'PIDS',
      'READ',
      'WRITTEN',
      'OOM KILLS',
    ])
    t.regex(
      line ?? '',
      new RegExp(`^${session.id()} +[0-9.]+ +[0-9.]+s +[0-9.]+[KM]iB +32.0MiB +[0-9.]+[KM]iB +1/20 +\\d`),
    )
    t.deepEqual(more, [])
    t.is((await lines(session.id('other'), session.id())).length, 3)
    const [first] = JSON.parse(await session.ok(['stats', '--format', 'json', session.id()]))
    t.is(first.id, session.id())
    t.is(first.memory.limit, 32 << 20)
    // Half a processor is its limit, and it takes all that it gets.
    await until('it has used some', async () => {
      const [{ cpu }] = JSON.parse(await session.ok(['stats', '--format', 'json', session.id()]))
      return cpu.totalMs > 100 && cpu.userMs > 0
    })
    await session.ok(['delete', '--force', session.id()])
    await session.ok(['delete', '--force', session.id('other')])
    t.is((await session.run(['stats', session.id()])).code, 1)
  },
)

behaviour(
  'on a terminal stats draws its table anew after each interval, until Ctrl-C',
  { runtimes: ours, unless: noPython },
  async (t, session) => {
    await running(session)
    const command = session.commandLine(['stats', '--interval', '50ms'])
    const terminal = ['--size', '30x160', '--type', '\u0003']
    const stats = session.start(helper('terminal', ...terminal, ...command), { env: session.runtime.env })
    const drawn = () => stats.stdout().replaceAll('\x1b', '<ESC>').split('<ESC>[H').slice(1)
    await until('it was drawn three times', () => drawn().length > 3)
    // Each line takes the place of the one that was there, and below the last nothing is left.
    for (const table of drawn().slice(0, 3))
      t.regex(table, /^ID +CPU % .*<ESC>\[K\r\n\S+-c +\S+ .*<ESC>\[K\r\n<ESC>\[J$/)
    // One more container, at whose name Ctrl-C is typed.
    session.bundle({ args: ['sleep', '60'], name: 'other' })
    await session.ok(['run', '-d', session.id('ready')])
    t.is((await stats.finished).code, 130)
    // A table, though on a terminal, for who asks for one.
    const once = session.start(helper('terminal', ...session.commandLine(['stats', '--no-stream', session.id()])), {
      env: session.runtime.env,
    })
    t.false((await once.finished).stdout.includes('\x1b'))
    await session.ok(['delete', '--force', session.id()])
    await session.ok(['delete', '--force', session.id('ready')])
  },
)
