/** The systemd cgroup driver: --systemd-cgroup, and cgroupsPath as slice:prefix:name. */
import { existsSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { RunOptions, Session } from '../harness/session.js'
import { rootless, type Spec } from '../harness/spec.js'
import { noSystemd, unitProperties, unitsOf, withSystemd } from '../harness/systemd.js'
import { until } from '../harness/until.js'

const unless = noSystemd
/** The user whose own systemd the virtual machine runs. */
const mary = 1000
const noUser = existsSync(`/run/user/${mary}/bus`) ? noSystemd : 'no user has a systemd of their own here'
const noDriver = noSystemd === undefined ? 'systemd runs here' : undefined

/** Runs a container that goes on, in the scope of the session's mark, and gives the scope's name. */
async function runInScope(session: Session, edit: (spec: Spec) => void = () => undefined, slice = ''): Promise<string> {
  session.bundle({
    args: ['sleep', '1000'],
    edit: (spec) => {
      spec.linux.cgroupsPath = `${slice}:box:${session.mark}`
      edit(spec)
    },
  })
  await session.ok(['run', '-d', session.id()], withSystemd(session))
  return `box-${session.mark}.scope`
}

async function end(session: Session): Promise<void> {
  await session.ok(['delete', '-f', session.id()], withSystemd(session))
}

behaviour(
  'without systemd, its driver is an error that says so',
  { runtimes: ours, unless: noDriver },
  async (t, session) => {
    session.bundle()
    const { code, message } = await session.run(['run', session.id()], withSystemd(session))
    t.is(code, 1)
    t.regex(message, /cannot reach systemd over \/run\/dbus\/system_bus_socket: no such file or directory/)
  },
)

behaviour('a container is a scope in its slice, and delete leaves neither', { unless }, async (t, session) => {
  const scope = await runInScope(session, undefined, 'machine-boxes.slice')
  const { pid } = await session.state()
  const place = `/machine.slice/machine-boxes.slice/${scope}`
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim(), `0::${place}`)
  t.like(
    await unitProperties(session, scope, 'ActiveState', 'Slice', 'ControlGroup', 'Delegate', 'DefaultDependencies'),
    {
      ActiveState: 'active',
      Slice: 'machine-boxes.slice',
      ControlGroup: place,
      Delegate: 'yes',
      DefaultDependencies: 'no',
    },
  )
  await end(session)
  t.deepEqual(await unitsOf(session), [])
  t.false(existsSync(`/sys/fs/cgroup${place}`))
})

behaviour('without a cgroupsPath the scope has the name of the id', { runtimes: ours, unless }, async (t, session) => {
  session.bundle({ args: ['sleep', '1000'] })
  const id = session.id('a+b')
  await session.ok(['run', '-d', id], withSystemd(session))
  const { pid } = await session.state(id)
  const name = `gantry-${session.mark}-a\\x2bb.scope`
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim(), `0::/system.slice/${name}`)
  await session.ok(['delete', '-f', id])
  t.deepEqual(await unitsOf(session), [])
})

behaviour('a container that ends by itself leaves no unit', { unless }, async (t, session) => {
  session.bundle({ args: ['true'], edit: (spec) => (spec.linux.cgroupsPath = `:box:${session.mark}`) })
  await session.ok(['run', session.id()], withSystemd(session))
  t.deepEqual(await unitsOf(session), [])
})

behaviour('a launch that fails leaves no unit', { runtimes: ours, unless }, async (t, session) => {
  session.bundle({ args: ['no-such-program'] })
  t.not((await session.run(['run', session.id()], withSystemd(session))).code, 0)
  await until('the unit is gone', async () => (await unitsOf(session)).length === 0)
})

behaviour('a unit that is there already is not taken over', { runtimes: ours, unless }, async (t, session) => {
  await session.shell(`systemd-run --unit=box-${session.mark}.scope --scope sleep 1000 >/dev/null 2>&1 &`)
  await until('it is there', async () => (await unitsOf(session)).length === 1)
  session.bundle({ edit: (spec) => (spec.linux.cgroupsPath = `:box:${session.mark}`) })
  const { code } = await session.run(['run', session.id()], withSystemd(session))
  t.is(code, 1)
  t.is((await unitsOf(session)).length, 1)
  await session.shell(`systemctl stop box-${session.mark}.scope`)
})

/** linux.resources, the property that it becomes, and the file. A quota is as we wrote it, until systemd writes it again, rounded up to whole per cents of a processor. */
const conversions: readonly [
  name: string,
  resources: object,
  property: string,
  shown: string,
  file: string,
  value: RegExp,
][] = [
  ['memory.limit', { memory: { limit: 64 << 20 } }, 'MemoryMax', '67108864', 'memory.max', /^67108864$/],
  ['memory.reservation', { memory: { reservation: 1 << 20 } }, 'MemoryLow', '1048576', 'memory.low', /^1048576$/],
  [
    'memory.swap',
    { memory: { limit: 1 << 26, swap: 1 << 27 } },
    'MemorySwapMax',
    '67108864',
    'memory.swap.max',
    /^67108864$/,
  ],
  ['cpu.shares', { cpu: { shares: 1024 } }, 'CPUWeight', '100', 'cpu.weight', /^100$/],
  [
    'cpu.quota',
    { cpu: { quota: 12_345, period: 50_000 } },
    'CPUQuotaPerSecUSec',
    '250ms',
    'cpu.max',
    /^12(345|500) 50000$/,
  ],
  ['cpu.idle', { cpu: { idle: 1 } }, 'CPUWeight', 'idle', 'cpu.idle', /^1$/],
  ['cpu.cpus', { cpu: { cpus: '1' } }, 'AllowedCPUs', '1', 'cpuset.cpus', /^1$/],
  ['cpu.mems', { cpu: { mems: '0' } }, 'AllowedMemoryNodes', '0', 'cpuset.mems', /^0$/],
  ['pids.limit', { pids: { limit: 7 } }, 'TasksMax', '7', 'pids.max', /^7$/],
  [
    'blockIO.throttleReadBpsDevice',
    { blockIO: { throttleReadBpsDevice: [{ major: 259, minor: 0, rate: 1_000_000 }] } },
    'IOReadBandwidthMax',
    '/dev/block/259:0 1000000',
    'io.max',
    /^259:0 rbps=1000000/,
  ],
  ['unified', { unified: { 'memory.high': '33554432' } }, 'MemoryHigh', '33554432', 'memory.high', /^33554432$/],
  [
    'hugepageLimits',
    { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] },
    'ActiveState',
    'active',
    'hugetlb.2MB.max',
    /^0$/,
  ],
]
for (const [name, resources, property, shown, file, value] of conversions) {
  behaviour(`${name} is the property ${property}, and in ${file}`, { runtimes: ours, unless }, async (t, session) => {
    const scope = await runInScope(session, (spec) => (spec.linux.resources = { ...resources }))
    t.is((await unitProperties(session, scope, property))[property], shown)
    const path = `/sys/fs/cgroup/system.slice/${scope}/${file}`
    t.regex(readFileSync(path, 'utf8').trim(), value)
    // What systemd does not know it would put back.
    await session.shell('systemctl daemon-reload')
    t.regex(readFileSync(path, 'utf8').trim(), value)
    await end(session)
  })
}

for (const [what, rules, policy] of [
  ['a list of devices', [{ allow: true, type: 'c', major: 1, minor: 11, access: 'r' }], 'strict'],
  [
    'more than a list of devices',
    [
      { allow: true, type: 'c', major: 1, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 1, access: 'rwm' },
    ],
    'auto',
  ],
] as const) {
  behaviour(
    `rules that are ${what} hold, also after a reload of systemd`,
    { runtimes: ours, unless },
    async (t, session) => {
      session.bundle({
        args: ['sh', '-c', 'mknod /tmp/kmsg c 1 11; mknod /tmp/mem c 1 1; sleep 1000'],
        edit: (spec) => {
          spec.linux.cgroupsPath = `:box:${session.mark}`
          spec.linux.resources = { devices: [{ allow: false, access: 'rwm' }, ...rules] }
          for (const set of ['bounding', 'effective', 'permitted'] as const)
            spec.process.capabilities?.[set]?.push('CAP_MKNOD', 'CAP_SYSLOG', 'CAP_SYS_RAWIO')
        },
      })
      await session.ok(['run', '-d', session.id()], withSystemd(session))
      const open = `exec 9</tmp/kmsg && echo kmsg; (exec 9</tmp/mem) 2>/dev/null || echo no mem`
      const look = () => session.ok(['exec', session.id(), 'sh', '-c', open])
      await until('it has made them', async () => (await look()).includes('kmsg'))
      const scope = `box-${session.mark}.scope`
      t.is((await unitProperties(session, scope, 'DevicePolicy')).DevicePolicy, policy)
      t.is(await look(), 'kmsg\nno mem\n')
      await session.shell('systemctl daemon-reload')
      t.is(await look(), 'kmsg\nno mem\n')
      await end(session)
    },
  )
}

behaviour('annotations are properties of the unit', { unless }, async (t, session) => {
  const scope = await runInScope(session, (spec) => {
    spec.annotations = {
      'org.systemd.property.TimeoutStopUSec': 'uint64 5000000',
      'org.systemd.property.CollectMode': "'inactive'",
    }
  })
  t.deepEqual(await unitProperties(session, scope, 'TimeoutStopUSec', 'CollectMode'), {
    TimeoutStopUSec: '5s',
    CollectMode: 'inactive',
  })
  await end(session)
})

behaviour(
  'an annotation puts the processes into a cgroup below the scope, which has all controllers',
  { runtimes: ours, unless },
  async (t, session) => {
    const scope = await runInScope(session, (spec) => {
      spec.annotations = { 'run.oci.systemd.subgroup': 'container' }
      spec.linux.resources = { pids: { limit: 9 } }
    })
    const { pid } = await session.state()
    const place = `/system.slice/${scope}`
    t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim(), `0::${place}/container`)
    const read = (file: string) => readFileSync(`/sys/fs/cgroup${place}/${file}`, 'utf8').trim()
    t.is(read('pids.max'), '9', 'the limits are those of the scope')
    t.is(read('container/cgroup.controllers'), read('cgroup.controllers'))
    t.is(await session.ok(['ps', '--format', 'json', session.id()]), `[${pid}]\n`)
    t.regex(await session.ok(['exec', session.id(), 'cat', '/proc/self/cgroup']), /^0::\/.*container$/m)
    await session.ok(['pause', session.id()])
    t.is((await session.state()).status, 'paused')
    await session.ok(['resume', session.id()])
    await end(session)
    t.deepEqual(await unitsOf(session), [])
    t.false(existsSync(`/sys/fs/cgroup${place}`))
  },
)

behaviour('update changes the property and the file', { runtimes: likeRunc, unless }, async (t, session) => {
  const scope = await runInScope(session, (spec) => (spec.linux.resources = { pids: { limit: 20 } }))
  await session.ok(['update', '--memory', '67108864', '--pids-limit', '30', session.id()], withSystemd(session))
  t.deepEqual(await unitProperties(session, scope, 'MemoryMax', 'TasksMax'), { MemoryMax: '67108864', TasksMax: '30' })
  for (const [file, value] of [['memory.max', '67108864'] as const, ['pids.max', '30'] as const])
    t.is(readFileSync(`/sys/fs/cgroup/system.slice/${scope}/${file}`, 'utf8').trim(), value)
  await end(session)
})

behaviour("a user's container is a scope of their own systemd, with limits", { unless: noUser }, async (t, session) => {
  session.openToEveryone()
  session.bundle({
    args: ['sleep', '1000'],
    edit: (spec) => {
      rootless(spec, mary, mary)
      spec.linux.cgroupsPath = `:box:${session.mark}`
      spec.linux.resources = { memory: { limit: 64 << 20 } }
    },
  })
  const root = session.directory('own-state')
  session.stateRoots.push(root)
  session.shellSync(`chown -R ${mary}:${mary} . ${root}`)
  const asMary: RunOptions = {
    global: ['--root', root, '--systemd-cgroup'],
    through: ['setpriv', `--reuid=${mary}`, `--regid=${mary}`, '--clear-groups'],
    env: { XDG_RUNTIME_DIR: `/run/user/${mary}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${mary}/bus` },
  }
  await session.ok(['run', '-d', session.id()], asMary)
  const { pid } = JSON.parse(await session.ok(['state', session.id()], asMary))
  const place = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length)
  t.is(place, `/user.slice/user-${mary}.slice/user@${mary}.service/user.slice/box-${session.mark}.scope`)
  t.is(readFileSync(`/sys/fs/cgroup${place}/memory.max`, 'utf8').trim(), '67108864')
  await session.ok(['delete', '--force', session.id()], asMary)
  t.false(existsSync(`/sys/fs/cgroup${place}`))
})

for (const [path, complaint] of [
  ['/a/b', /\/a\/b is not slice:prefix:name/],
  ['no slice:box:x', /no slice is not the name of a systemd slice/],
  ['a--b.slice:box:x', /a--b\.slice is not the name of a systemd slice/],
  [':box:pod.slice', /pod\.slice is a slice/],
] as const) {
  behaviour(`the cgroupsPath ${path} is refused`, { runtimes: ours }, async (t, session) => {
    session.bundle({ edit: (spec) => (spec.linux.cgroupsPath = path) })
    const { code, message } = await session.run(['run', session.id()], withSystemd(session))
    t.is(code, 1)
    t.regex(message, complaint)
  })
}
