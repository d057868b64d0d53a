import test from 'ava'
import type { Program } from '../../src/host/plan.js'
import { type Changes, names, plan, planned, rootless, steps } from './fixtures.js'

function program(changes: Changes): Program | undefined {
  const last = plan(changes).init.steps.at(-1)
  return last && typeof last !== 'string' && 'exec' in last ? last.exec : undefined
}

test('of two variables with one name the last stays, where it stands', (t) => {
  t.deepEqual(program({ process: { env: ['A=1', 'HOME=/h', 'A=2', 'B==', 'toString=x'] } }), {
    args: ['true'],
    env: ['HOME=/h', 'A=2', 'B==', 'toString=x'],
    listenPid: false,
  })
})

for (const env of [[], ['HOME=']]) {
  test(`HOME is looked up when it is ${env.length === 0 ? 'unset' : 'empty'}`, (t) => {
    t.deepEqual(program({ process: { env, user: { uid: 7, gid: 0 } } }), {
      args: ['true'],
      env: [],
      homeOf: 7,
      listenPid: false,
    })
  })
}

test('activated descriptors come first, those to preserve follow', (t) => {
  const request = { listenFds: 2, listenFdNames: 'a:b', preserveFds: 1 }
  t.deepEqual(plan({ request }).descriptors.inherit, [3, 4, 5])
  const { env, listenPid } = program({ request, process: { env: ['LISTEN_PID=77'] } }) ?? {}
  t.deepEqual(env, ['LISTEN_FDS=2', 'LISTEN_FDNAMES=a:b'])
  t.true(listenPid, 'its own, which only the process itself knows')
})

test('the container finds the sd_notify socket', (t) => {
  t.deepEqual(program({ request: { notify: true }, process: { env: ['NOTIFY_SOCKET=/host'] } })?.env, [
    'NOTIFY_SOCKET=/run/notify/notify.sock',
  ])
})

test('a session with and without a terminal', (t) => {
  t.true(names(plan()).includes('newSession'))
  t.deepEqual(
    steps(
      plan({
        process: { terminal: true, consoleSize: { height: 24, width: 80 }, user: { uid: 7, gid: 0 } },
        request: { console: '/dev/pts/9' },
      }),
      'terminal',
    ),
    [{ terminal: { slave: '/dev/pts/9', rows: 24, columns: 80, uid: 7, console: true } }],
  )
  const ignored = plan({ process: { consoleSize: { height: 24, width: 80 } } })
  t.deepEqual(steps(ignored, 'terminal'), [], 'a size without a terminal has no meaning')
})

test('keyring, umask, no_new_privs', (t) => {
  t.deepEqual(steps(plan(), 'sessionKeyring'), [{ sessionKeyring: { name: '_ses.c1' } }])
  t.deepEqual(steps(plan({ request: { noNewKeyring: true } }), 'sessionKeyring'), [])
  t.deepEqual(steps(plan(), 'umask'), [{ umask: { mask: 0o022 } }])
  t.deepEqual(steps(plan({ process: { user: { uid: 0, gid: 0, umask: 0 } } }), 'umask'), [{ umask: { mask: 0 } }])
  t.false(names(plan()).includes('noNewPrivileges'))
  t.true(names(plan({ process: { noNewPrivileges: true } })).includes('noNewPrivileges'))
})

function capabilities(changes: Changes): unknown {
  const [step] = steps(plan(changes), 'credentials')
  return step && typeof step !== 'string' && 'credentials' in step ? step.credentials.capabilities : undefined
}

const EMPTY = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }

test('capabilities are numbers, and none unless the config lists them', (t) => {
  t.deepEqual(capabilities({}), EMPTY)
  const three = ['CAP_KILL', 'CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE', 'CAP_KILL']
  t.deepEqual(
    capabilities({ process: { capabilities: { bounding: three, permitted: three, effective: ['CAP_KILL'] } } }),
    {
      ...EMPTY,
      bounding: [0, 5, 40],
      permitted: [0, 5, 40],
      effective: [5],
    },
  )
})

test('what is unknown or not ours to give is left out with a warning', (t) => {
  const list = ['CAP_KILL', 'CAP_NEW', 'CAP_SYS_TIME']
  const changes: Changes = {
    process: { capabilities: { bounding: list, permitted: list, effective: list } },
    facts: { capabilities: [5, 21] },
  }
  t.deepEqual(capabilities(changes), { ...EMPTY, bounding: [5], permitted: [5], effective: [5] })
  t.deepEqual(planned(changes).warnings, [
    'process.capabilities: CAP_NEW is unknown and was left out',
    'process.capabilities: CAP_SYS_TIME is not ours to give and was left out',
  ])
})

test('a user namespace gives all of them', (t) => {
  t.deepEqual(planned(rootless({ process: { capabilities: { bounding: ['CAP_SYS_TIME'] } } })).warnings, [])
})

test('ambient are those that are permitted and inheritable', (t) => {
  const kill = ['CAP_KILL']
  t.deepEqual(capabilities({ process: { capabilities: { bounding: kill, permitted: kill, ambient: kill } } }), {
    ...EMPTY,
    bounding: [5],
    permitted: [5],
  })
})

test('sets that the kernel would refuse are named', (t) => {
  t.throws(() => plan({ process: { capabilities: { effective: ['CAP_KILL'] } } }), {
    name: 'PlanError',
    message: 'process.capabilities.effective: CAP_KILL is not in permitted',
  })
  t.throws(() => plan({ process: { capabilities: { inheritable: ['CAP_KILL'] } } }), {
    message: 'process.capabilities.inheritable: CAP_KILL is not in bounding',
  })
})

test('a filter without no_new_privs is loaded with CAP_SYS_ADMIN', (t) => {
  const linux = { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } }
  const keepAdmin = (changes: Changes): unknown => {
    const [step] = steps(plan(changes), 'credentials')
    return step && typeof step !== 'string' && 'credentials' in step ? step.credentials.keepAdmin : undefined
  }
  t.is(keepAdmin({}), undefined)
  t.true(keepAdmin({ linux }))
  t.is(keepAdmin({ linux, process: { noNewPrivileges: true } }), undefined)
})

test('the seccomp section is passed on with exact numbers', (t) => {
  t.is(plan().seccomp, undefined)
  const args = [{ index: 0, op: 'SCMP_CMP_EQ', value: 18446744073709551615n }]
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_LOG', args }]
  t.deepEqual(JSON.parse(plan({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls } } }).seccomp ?? ''), {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      {
        names: ['read'],
        action: 'SCMP_ACT_LOG',
        args: [{ index: 0, op: 'SCMP_CMP_EQ', value: '18446744073709551615', valueTwo: '0' }],
      },
    ],
  })
})
