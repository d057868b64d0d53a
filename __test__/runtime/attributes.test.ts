/** What a process has beside credentials and limits: scheduling, I/O priority, domain, memory policy, labels. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { present } from '../harness/rootfs.js'
import { ours } from '../harness/runtime.js'
import type { Spec } from '../harness/spec.js'

/** Policy, realtime priority and nice value of a line of /proc/PID/stat (proc_pid_stat(5)). */
function scheduling(stat: string): string {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // The first is field 3.
  const [nice, priority, policy] = [19, 40, 41].map((number) => fields[number - 3] ?? '')
  const isNice = policy === '0' || policy === '3'
  return !isNice ? `policy ${policy} priority ${priority}` : `policy ${policy} nice ${nice}`
}

const schedulers: readonly [scheduler: { policy: string; [other: string]: unknown }, expected: string][] = [
  [{ policy: 'SCHED_OTHER', nice: -5 }, 'policy 0 nice -5'],
  [{ policy: 'SCHED_BATCH', nice: 7 }, 'policy 3 nice 7'],
  [{ policy: 'SCHED_IDLE' }, 'policy 5 priority 0'],
  [{ policy: 'SCHED_FIFO', priority: 10 }, 'policy 1 priority 10'],
  [{ policy: 'SCHED_RR', priority: 99 }, 'policy 2 priority 99'],
  [
    {
      policy: 'SCHED_DEADLINE',
      flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'],
      runtime: 10_000_000,
      deadline: 20_000_000,
      period: 30_000_000,
    },
    'policy 6 priority 0',
  ],
]

for (const [scheduler, expected] of schedulers) {
  // A cgroup of the v1 controller cpu has no realtime unless it is given some.
  behaviour(`the process runs under ${scheduler.policy}`, { runtimes: ours, view: 'v2' }, async (t, session) => {
    const stat = await session.outputOf(['cat', '/proc/self/stat'], (spec) => (spec.process.scheduler = scheduler))
    t.is(scheduling(stat), expected)
  })
}

behaviour('a flag of the scheduler is set', { runtimes: ours, view: 'v2' }, async (t, session) => {
  const scheduler = { policy: 'SCHED_FIFO', priority: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] }
  const output = await session.outputOf(['sh', '-c', 'cat /proc/self/stat; cat /proc/$$/stat'], (spec) => {
    spec.process.scheduler = scheduler
  })
  t.deepEqual(output.trim().split('\n').map(scheduling), ['policy 0 nice 0', 'policy 1 priority 3'])
})

behaviour('a policy that the kernel does not have is an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.process.scheduler = { policy: 'SCHED_ISO' }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /cannot apply process\.scheduler: invalid argument/)
})

for (const [io, expected] of [
  [{ class: 'IOPRIO_CLASS_RT', priority: 2 }, 'realtime: prio 2'],
  [{ class: 'IOPRIO_CLASS_BE', priority: 7 }, 'best-effort: prio 7'],
  [{ class: 'IOPRIO_CLASS_IDLE' }, 'idle'],
] as const) {
  behaviour(`the I/O priority of the process is ${expected}`, { runtimes: ours }, async (t, session) => {
    const edit = (spec: Spec) => (spec.process.ioPriority = io)
    const output = await session.outputOf(['busybox', 'ionice'], edit)
    t.is(output.trim(), expected)
  })
}

for (const [domain, expected, machine] of [
  ['LINUX32', '00000008', /^i686$/],
  ['LINUX', '00000000', /^x86_64$/],
] as const) {
  behaviour(
    `the execution domain is ${domain}`,
    { runtimes: [...ours, 'crun'], ...(process.arch !== 'x64' && { unless: 'knows x86 only' }) },
    async (t, session) => {
      const script = 'cat /proc/self/personality; uname -m'
      const output = await session.outputOf(['sh', '-c', script], (spec) => (spec.linux.personality = { domain }))
      const [personality = '', name = ''] = output.split('\n')
      t.is(personality, expected)
      t.regex(name, machine)
    },
  )
}

const noNuma = present('/proc/self/numa_maps') ? undefined : 'the kernel has no NUMA'

for (const [policy, expected] of [
  [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
  [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'bind=relative:0'],
  [{ mode: 'MPOL_INTERLEAVE', nodes: '0-0' }, 'interleave:0'],
  [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
  [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
  [{ mode: 'MPOL_LOCAL' }, 'local'],
  [{ mode: 'MPOL_DEFAULT' }, 'default'],
] as const) {
  behaviour(
    `the memory policy of the process is ${expected}`,
    { runtimes: ours, unless: noNuma },
    async (t, session) => {
      const maps = await session.outputOf(['cat', '/proc/self/numa_maps'], (spec) => (spec.linux.memoryPolicy = policy))
      const policies = maps
        .trim()
        .split('\n')
        .map((line) => /^\S+ (.*?)(?: (?:file|heap|stack|anon|mapped|dirty)\b.*)?$/.exec(line)?.[1])
      t.true(policies.includes(expected), [...new Set(policies)].join())
    },
  )
}

behaviour('a memory node that is not there is an error', { runtimes: ours, unless: noNuma }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '1023' }) })
  t.regex((await session.run(['run', session.id()])).message, /cannot apply linux\.memoryPolicy: invalid argument/)
})

/** Limits of a line of /proc/PID/limits. */
function openFiles(text: string): string[] {
  return /^Max open files +(\d+) +(\d+)/m.exec(text)?.slice(1) ?? []
}

const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
const CAP_SYS_RESOURCE = 24n
const mayRaise = ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n

/** The limits of a container with a user namespace, whose caller has a hard limit of 2000 descriptors. */
function limited(spec: Spec, limit: number): void {
  spec.linux.namespaces.push({ type: 'user' })
  spec.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  spec.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: limit, hard: limit }]
}

const lowLimit = ['sh', '-c', 'ulimit -n 2000; exec "$@"', 'sh']

behaviour('limits are lowered in a user namespace', {}, async (t, session) => {
  session.bundle({ args: ['cat', '/proc/self/limits'], edit: (spec) => limited(spec, 1000) })
  const { stdout } = await session.run(['run', session.id()], { through: [...session.through, ...lowLimit] })
  t.deepEqual(openFiles(stdout), ['1000', '1000'])
})

behaviour(
  'hard limits are raised for a user namespace, which can’t itself',
  { ...(!mayRaise && { unless: 'needs CAP_SYS_RESOURCE' }) },
  async (t, session) => {
    session.bundle({ args: ['cat', '/proc/self/limits'], edit: (spec) => limited(spec, 3000) })
    const { stdout } = await session.run(['run', session.id()], { through: [...session.through, ...lowLimit] })
    t.deepEqual(openFiles(stdout), ['3000', '3000'])
  },
)

behaviour('a limit that can’t be raised is named', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => limited(spec, 3000) })
  const through = [
    ...session.through,
    'setpriv',
    '--bounding-set',
    '-sys_resource',
    '--inh-caps',
    '-sys_resource',
    ...lowLimit,
  ]
  const { code, message } = await session.run(['run', session.id()], { through })
  t.is(code, 1)
  t.regex(message, /cannot raise process\.rlimits RLIMIT_NOFILE: operation not permitted/)
})

const noApparmor = !present('/sys/module/apparmor/parameters/enabled')
const noSelinux = !/selinuxfs/.test(readFileSync('/proc/filesystems', 'utf8'))

behaviour(
  'an AppArmor profile is refused where there is no AppArmor, and nothing is written to a false /proc',
  { runtimes: ours, ...(!noApparmor && { unless: 'there is AppArmor' }) },
  async (t, session) => {
    // CVE-2019-16884.
    session.bundle({
      edit: (spec) => {
        spec.process.apparmorProfile = 'docker-default'
        spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/proc')
        spec.linux.maskedPaths = []
        spec.linux.readonlyPaths = []
      },
      rootfs: (rootfs) => {
        session.shellSync(
          'mkdir -p self/attr/apparmor thread-self/attr/apparmor && touch self/attr/exec thread-self/attr/exec && ' +
            'touch self/attr/apparmor/exec thread-self/attr/apparmor/exec',
          `${rootfs}/proc`,
        )
      },
    })
    const { code, message } = await session.run(['run', session.id()])
    t.is(code, 1)
    t.regex(message, /process\.apparmorProfile: AppArmor is not enabled on this machine/)
    t.is(session.shellSync('cat rootfs/proc/*/attr/exec rootfs/proc/*/attr/apparmor/exec'), '')
  },
)

for (const [field, edit] of [
  ['process.selinuxLabel', (spec: Spec) => (spec.process.selinuxLabel = 'system_u:system_r:container_t:s0')],
  ['linux.mountLabel', (spec: Spec) => (spec.linux.mountLabel = 'system_u:object_r:container_file_t:s0')],
] as const) {
  behaviour(
    `${field} is refused where there is no SELinux`,
    { runtimes: ours, ...(!noSelinux && { unless: 'there is SELinux' }) },
    async (t, session) => {
      session.bundle({ edit })
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.is(message.trim(), `${field}: SELinux is not enabled on this machine`)
    },
  )
}
