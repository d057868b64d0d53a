/** `linux.seccomp`: what happens to the program's system calls. */
import { readFileSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { repository } from '../harness/package.js'
import { everyone, ours } from '../harness/runtime.js'
import type { Spec } from '../harness/spec.js'

/** A profile in the shape of those of container engines, of 10 KB. */
const engineProfile: object = JSON.parse(
  readFileSync(`${repository}crates/seccomp/tests/seccomp/fixtures/engine.json`, 'utf8'),
)

const EDQUOT = 122

interface Rule {
  readonly names: readonly string[]
  readonly action: string
  readonly [other: string]: unknown
}

/** Lets every call through but those of the rules. */
function allowing(...syscalls: Rule[]): (spec: Spec) => void {
  return (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls })
}

const refuseMkdir: Rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: EDQUOT }

behaviour('a refused call returns the errno of its rule', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['mkdir', '/tmp/never'], edit: allowing(refuseMkdir) })
  const { code, stderr } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(stderr, /never.*Disk quota exceeded/)
})

behaviour('a refused call returns EPERM where the rule has no errno', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['mkdir', '/tmp/never'],
    edit: allowing({ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }),
  })
  t.regex((await session.run(['run', session.id()])).stderr, /never.*Operation not permitted/)
})

behaviour('a call that kills ends the program by SIGSYS', { runtimes: everyone }, async (t, session) => {
  for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP']) {
    session.bundle({ args: ['mkdir', '/tmp/never'], edit: allowing({ names: ['mkdir', 'mkdirat'], action }) })
    t.is((await session.run(['run', session.id()])).code, 128 + 31, action)
  }
})

behaviour('what no rule names gets the default action', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'mkdir /tmp/a; rmdir /tmp/a; chmod 700 /tmp'],
    edit: (spec) => {
      const rules: Rule[] = JSON.parse(JSON.stringify(engineProfile)).syscalls
      const without = (names: readonly string[]) => names.filter((name) => !/^(rmdir|unlinkat)$/.test(name))
      spec.linux.seccomp = {
        ...engineProfile,
        defaultErrnoRet: EDQUOT,
        syscalls: rules.map((rule) => ({ ...rule, names: without(rule.names) })),
      }
    },
  })
  const { code, stderr } = await session.run(['run', session.id()])
  t.is(code, 0)
  t.regex(stderr, /^rmdir: .*Disk quota exceeded\n$/)
})

behaviour("conditions look at a call's arguments", { runtimes: everyone }, async (t, session) => {
  const sigusr1 = { index: 1, value: 10, op: 'SCMP_CMP_EQ' }
  const output = await session.outputOf(
    ['sh', '-c', 'kill -USR1 1 2>&1; kill -USR2 1 && echo allowed'],
    allowing({ names: ['kill'], action: 'SCMP_ACT_ERRNO', errnoRet: EDQUOT, args: [sigusr1] }),
  )
  t.regex(output, /^sh: .*Disk quota exceeded\nallowed\n$/)
})

behaviour('values of conditions are exact in all 64 bits', { runtimes: ours }, async (t, session) => {
  session.bundle({
    args: [
      'sh',
      '-c',
      'for size in 9007199254740992 9007199254740993; do busybox truncate -s $size /dev/shm/$size; done',
    ],
    edit: allowing({
      names: ['ftruncate'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: EDQUOT,
      args: [{ index: 1, value: 123456, op: 'SCMP_CMP_EQ' }],
    }),
  })
  const config = readFileSync(`${session.cwd}/config.json`, 'utf8')
  writeFileSync(`${session.cwd}/config.json`, config.replace('123456', '9007199254740993'))
  const { stderr } = await session.run(['run', session.id()])
  t.regex(stderr, /^[^\n]*9007199254740993[^\n]*Disk quota exceeded\n$/)
})

for (const noNewPrivileges of [true, false]) {
  for (const uid of [0, 1000]) {
    const who = `uid ${uid} ${noNewPrivileges ? 'with' : 'without'} noNewPrivileges`
    behaviour(`${who} runs under the profile of an engine, with its own capabilities`, {}, async (t, session) => {
      const chown = ['CAP_CHOWN']
      const status = await session.outputOf(['cat', '/proc/self/status'], (spec) => {
        spec.process.user = { uid, gid: uid }
        spec.process.noNewPrivileges = noNewPrivileges
        spec.process.capabilities = { bounding: chown, permitted: chown, effective: chown }
        spec.linux.seccomp = engineProfile
      })
      const effective = uid === 0 ? '0000000000000001' : '0000000000000000'
      t.regex(status, /^Seccomp:\t2$/m)
      t.regex(status, new RegExp(`^NoNewPrivs:\t${noNewPrivileges ? 1 : 0}$`, 'm'))
      t.regex(status, /^CapInh:\t0000000000000000$/m)
      t.regex(status, new RegExp(`^CapPrm:\t${effective}$`, 'm'))
      t.regex(status, new RegExp(`^CapEff:\t${effective}$`, 'm'))
      t.regex(status, /^CapBnd:\t0000000000000001$/m)
      t.regex(status, /^CapAmb:\t0000000000000000$/m)
    })
  }
}

behaviour('a user without privileges filters too, without noNewPrivileges', { runtimes: ours }, async (t, session) => {
  session.bundle({
    args: ['mkdir', '/tmp/never'],
    edit: (spec) => {
      spec.process.noNewPrivileges = false
      spec.linux.namespaces.push({ type: 'user' })
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      allowing(refuseMkdir)(spec)
    },
  })
  t.regex((await session.run(['run', session.id()])).stderr, /Disk quota exceeded/)
})

behaviour('the filter need not allow any call that only the runtime makes', { runtimes: ours }, async (t, session) => {
  const names = [
    ...['accept', 'accept4', 'capget', 'capset', 'chdir', 'close', 'close_range', 'fchdir', 'fcntl', 'getcwd', 'kill'],
    ...['keyctl', 'openat2', 'poll', 'read', 'recvfrom', 'recvmsg', 'seccomp', 'sendmsg', 'sendto', 'setns'],
    ...['setgroups', 'setresgid', 'setresuid', 'statx', 'wait4', 'waitid', 'write', 'writev'],
  ]
  for (const noNewPrivileges of [true, false]) {
    session.bundle({
      args: ['true'],
      edit: (spec) => {
        spec.process.noNewPrivileges = noNewPrivileges
        allowing({ names, action: 'SCMP_ACT_KILL_PROCESS' })(spec)
      },
    })
    await session.ok(['create', session.id()])
    await session.ok(['start', session.id()])
    await session.reaches('stopped')
    await session.ok(['delete', session.id()])
    t.is((await session.run(['run', session.id()])).code, 0)
  }
})

behaviour('a filter that refuses execve is told as any failure of it', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: allowing({ names: ['execve'], action: 'SCMP_ACT_ERRNO', errnoRet: EDQUOT }) })
  const { code, message } = await session.run(['run', session.id()])
  t.not(code, 0)
  t.regex(message, /exec: "\/bin\/true": disk quota exceeded/)
})

behaviour('a filter that refuses everything ends the container', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ERRNO' }) })
  const { code } = await session.run(['run', session.id()])
  t.true(code > 128, String(code))
  session.bundle({ edit: (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_KILL_PROCESS' }) })
  t.is((await session.run(['run', session.id()])).code, 128 + 31)
})

behaviour('names of calls that the machine lacks are passed over, and noted', {}, async (t, session) => {
  const names = ['mkdir', 'mkdirat', 'fly_away', 'arm_fadvise64_64']
  session.bundle({ args: ['mkdir', '/tmp/never'], edit: allowing({ ...refuseMkdir, names }) })
  t.regex((await session.run(['run', session.id()])).stderr, /^mkdir: .*Disk quota exceeded\n$/)
  if (session.runtime.name === 'runc') return
  const { stderr } = await session.run(['run', session.id()], {
    global: ['--root', session.root, '--log-level', 'debug'],
  })
  t.regex(stderr, /level=debug msg="linux\.seccomp: no such calls here: fly_away arm_fadvise64_64"/)
})

for (const [flags, title] of [
  [[], 'no flags'],
  [
    ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    'LOG, TSYNC, SPEC_ALLOW',
  ],
] as const) {
  behaviour(`a profile may have ${title}`, { runtimes: ours }, async (t, session) => {
    session.bundle({
      args: ['mkdir', '/tmp/never'],
      edit: (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', flags, syscalls: [refuseMkdir] }),
    })
    t.regex((await session.run(['run', session.id()])).stderr, /Disk quota exceeded/)
  })
}

const wrong: readonly [title: string, seccomp: object, message: RegExp][] = [
  [
    'an unknown action',
    { defaultAction: 'SCMP_ACT_PERHAPS' },
    /linux\.seccomp\.defaultAction: expected one of .*PERHAPS/,
  ],
  [
    'an argument that no call has',
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ ...refuseMkdir, args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }],
    },
    /linux\.seccomp\.syscalls\[0\]\.args\[0\]\.index: expected a whole number from 0 to 5, found 6/,
  ],
  [
    'an errno for an action that takes none',
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_KILL', errnoRet: 1 }] },
    /linux\.seccomp\.syscalls\[0\]\.errnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno/,
  ],
  [
    'a call that notifies nobody',
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] },
    /linux\.seccomp\.listenerPath: SCMP_ACT_NOTIFY needs the socket that gets the notifications/,
  ],
  [
    'a profile that is too long for the kernel',
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: Array.from({ length: 1100 }, (_, value) => ({
        ...refuseMkdir,
        args: [{ index: 1, value, op: 'SCMP_CMP_EQ' }],
      })),
    },
    /linux\.seccomp: its filter has \d+ instructions, the kernel takes 4096/,
  ],
  [
    'metadata for no listener',
    { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' },
    /linux\.seccomp\.listenerMetadata: must not be set without listenerPath/,
  ],
]

for (const [title, seccomp, message] of wrong) {
  behaviour(`${title} is refused, and nothing is made`, { runtimes: ours }, async (t, session) => {
    session.bundle({ edit: (spec) => (spec.linux.seccomp = seccomp) })
    const run = await session.run(['run', session.id()])
    t.is(run.code, 1)
    t.regex(run.message, message)
    t.regex((await session.run(['state', session.id()])).message, /does not exist/)
  })
}
