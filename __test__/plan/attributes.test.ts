import test from 'ava'
import { planCpuAffinity } from '../../src/plan/attributes.js'
import { type Changes, mountsOf, names, plan, rootless, steps } from './fixtures.js'

test('attributes are set before the credentials are taken', (t) => {
  const changes: Changes = {
    process: {
      apparmorProfile: 'p',
      selinuxLabel: 'a:b:c',
      scheduler: { policy: 'SCHED_FIFO', priority: 1 },
      ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 3 },
    },
    linux: {
      namespaces: [{ type: 'mount' }],
      personality: { domain: 'LINUX32' },
      memoryPolicy: { mode: 'MPOL_BIND', nodes: '1,3', flags: ['MPOL_F_STATIC_NODES'] },
    },
  }
  const all = names(plan(changes))
  const umask = all.indexOf('umask')
  t.deepEqual(all.slice(umask + 1, all.indexOf('credentials')), [
    'selinuxLabel',
    'apparmorProfile',
    'scheduler',
    'ioPriority',
    'personality',
    'memoryPolicy',
  ])
  t.deepEqual(steps(plan(changes), 'memoryPolicy'), [{ memoryPolicy: { mode: 2 | (1 << 15), nodes: [1, 3] } }])
  t.deepEqual(steps(plan(changes), 'ioPriority'), [{ ioPriority: { class: 1, priority: 3 } }])
})

test('times of the scheduler are exact', (t) => {
  const scheduler = {
    policy: 'SCHED_DEADLINE',
    flags: ['SCHED_FLAG_DL_OVERRUN', 'SCHED_FLAG_RESET_ON_FORK'],
    runtime: 1,
    deadline: 9007199254740993n,
    period: 9007199254740995n,
  }
  t.deepEqual(steps(plan({ process: { scheduler } }), 'scheduler'), [
    {
      scheduler: {
        policy: 6,
        flags: 5,
        nice: 0,
        priority: 0,
        runtime: '1',
        deadline: '9007199254740993',
        period: '9007199254740995',
      },
    },
  ])
})

test('a label needs SELinux before anything else happens, and goes to the keyring too', (t) => {
  const labelled = plan({ process: { selinuxLabel: 'a:b:c' } })
  t.is(names(labelled)[0], 'requireSelinux')
  t.deepEqual(steps(labelled, 'sessionKeyring'), [{ sessionKeyring: { name: '_ses.c1', label: 'a:b:c' } }])
  t.false(names(plan()).includes('requireSelinux'))
})

test('mountLabel is the context of new file systems that can have one', (t) => {
  const mounts = [
    { destination: '/proc', type: 'proc' },
    { destination: '/a', type: 'tmpfs', options: ['size=1k'] },
    { destination: '/b', type: 'tmpfs', options: ['context=own'] },
    { destination: '/c', source: '/c', options: ['bind'] },
  ]
  const labelled = plan({ config: { mounts }, linux: { mountLabel: 'a:b:c', maskedPaths: ['/sys/firmware'] } })
  t.is(names(labelled)[0], 'requireSelinux')
  const contexts = mountsOf(labelled).map(({ target, what }) => [
    target,
    'filesystem' in what ? what.filesystem.parameters.find(({ name }) => name === 'context')?.value : undefined,
  ])
  t.deepEqual(contexts, [
    ['/proc', undefined],
    ['/a', 'a:b:c'],
    ['/b', 'own'],
    ['/c', undefined],
  ])
  t.deepEqual(steps(labelled, 'maskedPath'), [{ maskedPath: { path: '/sys/firmware', label: 'a:b:c' } }])
})

test('hard limits are raised from outside for a new user namespace', (t) => {
  const process = { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }] }
  t.is(plan({ process }).hardLimits, undefined)
  t.deepEqual(plan(rootless({ process })).hardLimits, [{ resource: 7, limit: '2' }])
})

test('the processors of exec, before and after it enters the cgroup', (t) => {
  const process = { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' }
  t.deepEqual(planCpuAffinity(process), {})
  t.deepEqual(planCpuAffinity({ ...process, execCPUAffinity: { initial: '', final: '0-1,3' } }), { final: [0, 1, 3] })
  t.deepEqual(planCpuAffinity({ ...process, execCPUAffinity: { initial: '2' } }), { initial: [2] })
})
