/** The container's cgroup: made, joined, limited, removed, in every layout. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { noV1, value, withResources } from '../harness/cgroups.js'
import { markedCgroups } from '../harness/machine.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import { noSystemd, unitsOf } from '../harness/systemd.js'
import { slowness, until } from '../harness/until.js'

behaviour('the process is in a cgroup of its own in every hierarchy', { unless: noV1 }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id()])
  const { pid } = await session.state()
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
  for (const controller of ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids']) {
    const line = lines.find((line) => line.split(':')[1]?.split(',').includes(controller))
    if (line !== undefined) t.true(line.endsWith(`/${session.id()}`), line)
  }
  await session.ok(['delete', '--force', session.id()])
  t.deepEqual(markedCgroups(session.mark), [])
})

behaviour('pids.limit limits', { unless: noV1 }, async (t, session) => {
  await withResources(session, { pids: { limit: 17 } }, () => t.is(value(session, 'pids', 'pids.max'), '17'))
  await withResources(session, { pids: { limit: -1 } }, () => t.is(value(session, 'pids', 'pids.max'), 'max'))
})

behaviour('a fork above pids.limit fails', { unless: noV1 }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'for i in 1 2 3 4 5; do sleep 5 & done; echo ended'],
    edit: (spec) => (spec.linux.resources = { pids: { limit: 3 } }),
  })
  const { code, stderr } = await session.run(['run', session.id()])
  t.not(code, 0)
  t.regex(stderr, /fork|Resource temporarily unavailable/)
})

behaviour('memory.limit limits', { unless: noV1 }, async (t, session) => {
  await withResources(session, { memory: { limit: 64 << 20 } }, () =>
    t.is(value(session, 'memory', 'memory.limit_in_bytes'), String(64 << 20)),
  )
})

behaviour('a process that needs more than memory.limit is killed', { unless: noV1 }, async (t, session) => {
  session.bundle({
    args: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'],
    edit: (spec) => (spec.linux.resources = { memory: { limit: 16 << 20 } }),
  })
  t.is((await session.run(['run', session.id()])).code, 137)
})

behaviour('a memory limit beyond 2^53 survives exactly', { unless: noV1 }, async (t, session) => {
  const bundle = session.bundle({
    args: ['sleep', '60'],
    edit: (spec) => (spec.linux.resources = { memory: { limit: 4711 } }),
  })
  const text = readFileSync(`${bundle}/config.json`, 'utf8')
  writeFileSync(`${bundle}/config.json`, text.replace('4711', '9007199254741001'))
  await session.ok(['create', session.id()])
  // The kernel rounds down to pages: 2^53 would give 9007199254740992 as well, 2^53 + 4096 would not.
  t.is(value(session, 'memory', 'memory.limit_in_bytes'), '9007199254740992')
  await session.ok(['delete', '--force', session.id()])
  writeFileSync(`${bundle}/config.json`, text.replace('4711', '9007199254749185'))
  await session.ok(['create', session.id()])
  t.is(value(session, 'memory', 'memory.limit_in_bytes'), '9007199254749184')
  await session.ok(['delete', '--force', session.id()])
})

behaviour('cpu shares, quota and period are set', { unless: noV1 }, async (t, session) => {
  await withResources(session, { cpu: { shares: 512, quota: 20_000, period: 50_000 } }, () => {
    t.is(value(session, 'cpu', 'cpu.shares'), '512')
    t.is(value(session, 'cpu', 'cpu.cfs_quota_us'), '20000')
    t.is(value(session, 'cpu', 'cpu.cfs_period_us'), '50000')
  })
})

behaviour('cpu.cpus and cpu.mems are set', { unless: noV1 }, async (t, session) => {
  await withResources(session, { cpu: { cpus: '0', mems: '0' } }, () => {
    t.is(value(session, 'cpuset', 'cpuset.cpus'), '0')
    t.is(value(session, 'cpuset', 'cpuset.mems'), '0')
  })
})

behaviour("an absolute cgroupsPath is a path from the hierarchy's root", { unless: noV1 }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.cgroupsPath = `/${session.id('group')}`) })
  await session.ok(['create', session.id()])
  const { pid } = await session.state()
  t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`:memory:/${session.id('group')}$`, 'm'))
  await session.ok(['delete', '--force', session.id()])
})

behaviour('a cgroup in a directory that is there leaves that directory', { unless: noV1 }, async (t, session) => {
  const parents = ['pids', 'memory', 'cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'blkio', 'systemd', 'unified']
    .map((hierarchy) => `/sys/fs/cgroup/${hierarchy}`)
    .filter((path) => existsSync(path))
    .map((path) => `${path}/${session.mark}-parent`)
  for (const parent of parents) mkdirSync(parent)
  session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.cgroupsPath = `/${session.mark}-parent/child`) })
  await session.ok(['create', session.id()])
  t.true(existsSync(`/sys/fs/cgroup/pids/${session.mark}-parent/child`))
  await session.ok(['delete', '--force', session.id()])
  t.false(existsSync(`/sys/fs/cgroup/pids/${session.mark}-parent/child`))
  for (const parent of parents) rmdirSync(parent)
})

for (const path of ['/../../{id}', '/a/../../{id}', '../../../../../{id}']) {
  behaviour(`the cgroupsPath ${path} stays inside the hierarchy`, { unless: noV1 }, async (t, session) => {
    session.bundle({
      args: ['sleep', '60'],
      edit: (spec) => (spec.linux.cgroupsPath = path.replace('{id}', session.id())),
    })
    // An error or a path below the hierarchy's mount are both fine.
    if ((await session.run(['create', session.id()])).code === 0) {
      t.not(markedCgroups(session.mark).length, 0)
      t.false(existsSync(`/sys/fs/${session.id()}`))
      t.false(existsSync(`/sys/fs/cgroup/${session.id()}`))
      await session.ok(['delete', '--force', session.id()])
    } else t.deepEqual(markedCgroups(session.mark), [])
  })
}

behaviour(
  'a cgroup with processes of others in it is refused',
  { runtimes: ours, unless: noV1 },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.cgroupsPath = `/${session.id('shared')}`) })
    await session.ok(['create', session.id('one')])
    const { code } = await session.run(['create', session.id('two')])
    t.is(code, 1)
    t.is((await session.state(session.id('one'))).status, 'created')
    await session.ok(['delete', '--force', session.id('one')])
  },
)

for (const resources of [
  { memory: { limit: 'much' } },
  { cpu: { quota: 1.5 } },
  { unified: { '../escape': '1' } },
  { unified: { 'memory.max': '1000000' } },
]) {
  behaviour(
    `resources ${JSON.stringify(resources)} are an error on v1`,
    { runtimes: ours, unless: noV1 },
    async (t, session) => {
      session.bundle({ edit: (spec) => (spec.linux.resources = resources) })
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(message, new RegExp(`resources\\.${Object.keys(resources)[0]}`))
    },
  )
}

behaviour(
  "a limit that the hierarchies here can't have is an error, not silence",
  { runtimes: ours, view: 'v2' },
  async (t, session) => {
    // The test's view of v2 has no memory controller where the machine gives it to v1.
    const controllers = await session.shell(
      'cat /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null',
    )
    session.bundle({ edit: (spec) => (spec.linux.resources = { memory: { limit: 64 << 20 } }) })
    const { code, message } = await session.run(['run', session.id()])
    if (controllers.stdout.includes('memory')) t.is(code, 0)
    else {
      t.is(code, 1)
      t.regex(message, /memory/)
    }
  },
)

behaviour(
  'on v2 the process is in a cgroup of its own, which delete removes',
  { runtimes: everyone, view: 'v2' },
  async (t, session) => {
    session.bundle({ args: ['sh', '-c', 'sleep 61 & sleep 62'] })
    await session.ok(['run', '-d', session.id()])
    const { pid } = await session.state()
    t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::.*${session.id()}`, 'm'))
    await session.ok(['kill', session.id(), 'KILL'])
    await session.reaches('stopped')
    await session.ok(['delete', session.id()])
    t.deepEqual(markedCgroups(session.mark), [])
  },
)

// runc 1.1 gives up on the cgroup while the last process is on its way out.
behaviour(
  'on v2 delete --force kills all processes of a shared pid namespace',
  { runtimes: [...ours, 'crun'], view: 'v2' },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'sleep 61 & sleep 62 & wait'],
      edit: (spec) => (spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid')),
    })
    await session.ok(['run', '-d', session.id()])
    await session.ok(['delete', '--force', session.id()])
    t.deepEqual(markedCgroups(session.mark), [])
  },
)

behaviour(
  "on v2 a cgroup namespace makes the container's cgroup the root",
  { runtimes: everyone, view: 'v2' },
  async (t, session) => {
    const output = await session.outputOf(['grep', '^0:', '/proc/self/cgroup'], (spec) =>
      spec.linux.namespaces.push({ type: 'cgroup' }),
    )
    t.is(output, '0::/\n')
  },
)

behaviour('on v1 alone all is the same', { unless: noV1, view: 'v1' }, async (t, session) => {
  await withResources(session, { pids: { limit: 17 }, memory: { limit: 64 << 20 }, cpu: { shares: 512 } }, () => {
    t.is(value(session, 'pids', 'pids.max'), '17')
    t.is(value(session, 'memory', 'memory.limit_in_bytes'), String(64 << 20))
    t.is(value(session, 'cpu', 'cpu.shares'), '512')
  })
})

behaviour('unified values are written on v2', { runtimes: ours, view: 'v2' }, async (t, session) => {
  session.bundle({
    args: ['sleep', '60'],
    edit: (spec) => (spec.linux.resources = { unified: { 'cgroup.max.depth': '3' } }),
  })
  await session.ok(['create', session.id()])
  t.is(value(session, existsSync('/sys/fs/cgroup/unified') ? 'unified' : '', 'cgroup.max.depth'), '3')
  await session.ok(['delete', '--force', session.id()])
})

behaviour("a limit where cgroups can't be written is an error", { runtimes: likeRunc }, async (t, session) => {
  const readonly =
    'for m in /sys/fs/cgroup/*/ /sys/fs/cgroup; do mount -o remount,bind,ro $m 2>/dev/null || :; done; exec "$@"'
  session.through = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', readonly, 'sh']
  session.bundle({ edit: (spec) => (spec.linux.resources = { pids: { limit: 17 } }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /cgroup/)
})

behaviour('of five hundred containers in a row nothing is left', { runtimes: ours }, async (t, session) => {
  session.bundle({
    args: ['true'],
    edit: (spec) => (spec.linux.resources = { pids: { limit: 5 } }),
  })
  const containers = Math.ceil((session.runtime.name === 'node' ? 10 : 500) / slowness)
  // In one shell, as the start of a shell and of Node would take longer than they do.
  const line = (command: string) =>
    session
      .commandLine([command, `${session.id()}-$i`])
      .map((word) => `"${word}"`)
      .join(' ')
  const { code, stderr } = await session.shell(
    `i=0; while [ $i -lt ${containers} ]; do i=$((i+1)); ${line('create')} && ${line('start')} && ${line('delete')} --force || exit; done`,
    { env: session.runtime.env, patience: 300_000 },
  )
  t.is(stderr, '')
  t.is(code, 0)
  t.deepEqual(markedCgroups(session.mark), [])
  if (noSystemd === undefined) t.deepEqual(await unitsOf(session), [])
})

behaviour(
  'a tenth of a processor is what a container gets that may have no more',
  { runtimes: ours, unless: noV1 },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'while :; do :; done'],
      edit: (spec) => (spec.linux.resources = { cpu: { quota: 1_000, period: 10_000, cpus: '0' } }),
    })
    await session.ok(['run', '-d', session.id()])
    const sample = async () => {
      const { data } = JSON.parse(await session.ok(['events', '--stats', session.id()]))
      return {
        at: performance.now(),
        used: data.cpu.usage.total / 1e6,
        throttled: data.cpu.throttling.throttledPeriods ?? 0,
      }
    }
    const first = await sample()
    const last = await until('it was held back for a while', async () => {
      const now = await sample()
      return now.throttled > first.throttled + 20 && now
    })
    // What the machine's other work leaves of it may be less; more it is never.
    t.true((last.used - first.used) / (last.at - first.at) < 0.1 * 1.15, `${last.used - first.used} ms`)
    t.regex(readFileSync(`/proc/${(await session.state()).pid}/status`, 'utf8'), /^Cpus_allowed_list:\t0$/m)
    await session.ok(['delete', '--force', session.id()])
  },
)
