/** `process` of config.json: who the process is, what it may, where it is, and what it knows. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, ours } from '../harness/runtime.js'
import type { CapabilitySet, Process } from '../harness/spec.js'

/** Fields of /proc/PID/status, by name. */
function status(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').map((line) => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
}

behaviour(
  'the process has the user, the group and exactly the supplementary groups of the config',
  { runtimes: everyone },
  async (t, session) => {
    // CVE-2022-36109 and its relatives: groups of the caller that stayed.
    const text = await session.outputOf(['cat', '/proc/self/status'], (spec) => {
      spec.process.user = { uid: 1000, gid: 1001, additionalGids: [50, 60] }
    })
    t.like(status(text), { Uid: '1000\t1000\t1000\t1000', Gid: '1001\t1001\t1001\t1001', Groups: '50 60' })
  },
)

behaviour('without additionalGids there are no supplementary groups', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['cat', '/proc/self/status'], edit: (spec) => (spec.process.user = { uid: 1000, gid: 1000 }) })
  const run = await session.run(['run', session.id()], {
    through: ['setpriv', '--groups', '4,27', ...session.through],
  })
  t.is(status(run.stdout).Groups, '')
})

const [CHOWN, KILL, NET_BIND_SERVICE] = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
const sets: [CapabilitySet, string][] = [
  ['inheritable', 'CapInh'],
  ['permitted', 'CapPrm'],
  ['effective', 'CapEff'],
  ['bounding', 'CapBnd'],
  ['ambient', 'CapAmb'],
]
const none = '0000000000000000'
const chown = '0000000000000001'
const kill = '0000000000000020'
const chownAndKill = '0000000000000021'
const chownKillAndBind = '0000000000000421'

/** What the five sets are after execve(2), from CapInh to CapAmb; see "Transformation of capabilities" in capabilities(7). */
const capabilityCases: [title: string, process: Partial<Process>, expected: string[]][] = [
  [
    "the five capability sets of another user are what execve leaves of the config's",
    {
      user: { uid: 1000, gid: 1000 },
      capabilities: {
        bounding: [CHOWN, KILL, NET_BIND_SERVICE],
        permitted: [CHOWN, KILL],
        inheritable: [CHOWN, KILL],
        effective: [KILL],
        ambient: [KILL],
      },
    },
    [chownAndKill, kill, kill, chownKillAndBind, kill],
  ],
  [
    'another user without ambient capabilities has none but the bounding set',
    {
      user: { uid: 1000, gid: 1000 },
      capabilities: { bounding: [CHOWN, KILL], permitted: [CHOWN, KILL], effective: [CHOWN, KILL] },
    },
    [none, none, none, chownAndKill, none],
  ],
  [
    'root has what the bounding set allows',
    { noNewPrivileges: false, capabilities: { bounding: [CHOWN, KILL], permitted: [KILL], effective: [KILL] } },
    [none, chownAndKill, chownAndKill, chownAndKill, none],
  ],
  [
    'root with no_new_privs has no more than its permitted set',
    { noNewPrivileges: true, capabilities: { bounding: [CHOWN, KILL], permitted: [KILL], effective: [KILL] } },
    [none, kill, kill, chownAndKill, none],
  ],
  ['a config that grants no capabilities gives none', { capabilities: {} }, [none, none, none, none, none]],
  [
    // CVE-2022-29162 and its relatives.
    'neither inheritable nor ambient capabilities come from anywhere but the config',
    { capabilities: { bounding: [CHOWN], permitted: [CHOWN], effective: [CHOWN] } },
    [none, chown, chown, chown, none],
  ],
]

for (const [title, process, expected] of capabilityCases) {
  behaviour(title, { runtimes: everyone }, async (t, session) => {
    const fields = status(
      await session.outputOf(['cat', '/proc/self/status'], (spec) => Object.assign(spec.process, process)),
    )
    t.deepEqual(
      sets.map(([, field]) => fields[field]),
      expected,
    )
  })
}

behaviour('a config that says nothing of capabilities gives none either', {}, async (t, session) => {
  const fields = status(
    await session.outputOf(['cat', '/proc/self/status'], (spec) => delete spec.process.capabilities),
  )
  t.deepEqual(
    sets.map(([, field]) => fields[field]),
    [none, none, none, none, none],
  )
})

behaviour('an unknown capability is warned of and not granted', {}, async (t, session) => {
  // The runtime-spec: it SHOULD NOT be an error.
  session.bundle({
    args: ['cat', '/proc/self/status'],
    edit: (spec) =>
      (spec.process.capabilities = {
        bounding: [CHOWN, 'CAP_FLY'],
        permitted: [CHOWN, 'CAP_FLY'],
        effective: [CHOWN, 'CAP_FLY'],
      }),
  })
  const { code, stdout, message } = await session.run(['run', session.id()])
  t.is(code, 0)
  t.regex(message, /CAP_FLY/)
  t.is(status(stdout).CapEff, chown)
})

for (const [value, expected] of [
  [true, '1'],
  [false, '0'],
] as const) {
  behaviour(`noNewPrivileges: ${value} is no_new_privs ${expected}`, { runtimes: everyone }, async (t, session) => {
    const text = await session.outputOf(['cat', '/proc/self/status'], (spec) => (spec.process.noNewPrivileges = value))
    t.is(status(text).NoNewPrivs, expected)
  })
}

/** Soft and hard limit of a line of /proc/PID/limits. */
function limit(text: string, name: string): string[] {
  const line = text.split('\n').find((line) => line.startsWith(name)) ?? ''
  return line.slice(name.length).trim().split(/ +/).slice(0, 2)
}

behaviour('resource limits are set', { runtimes: everyone }, async (t, session) => {
  const text = await session.outputOf(['cat', '/proc/self/limits'], (spec) => {
    spec.process.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 4096 },
      { type: 'RLIMIT_CPU', soft: 3600, hard: 7200 },
    ]
  })
  t.deepEqual(limit(text, 'Max open files'), ['100', '200'])
  t.deepEqual(limit(text, 'Max core file size'), ['0', '4096'])
  t.deepEqual(limit(text, 'Max cpu time'), ['3600', '7200'])
})

behaviour('64-bit limits survive exactly', {}, async (t, session) => {
  const bundle = session.bundle({
    args: ['cat', '/proc/self/limits'],
    edit: (spec) => {
      spec.process.rlimits = [
        { type: 'RLIMIT_FSIZE', soft: 111, hard: 222 },
        { type: 'RLIMIT_DATA', soft: 333, hard: 444 },
      ]
    },
  })
  let text = readFileSync(`${bundle}/config.json`, 'utf8')
  for (const [small, large] of [
    ['111', '9007199254740993'],
    ['222', '18446744073709551615'],
    ['333', '9223372036854775807'],
    ['444', '18446744073709551614'],
  ] as const) {
    text = text.replace(`: ${small}`, `: ${large}`)
  }
  writeFileSync(`${bundle}/config.json`, text)
  const limits = await session.ok(['run', session.id()])
  t.deepEqual(limit(limits, 'Max file size'), ['9007199254740993', 'unlimited'])
  t.deepEqual(limit(limits, 'Max data size'), ['9223372036854775807', '18446744073709551614'])
})

behaviour("the umask is the config's", { runtimes: everyone }, async (t, session) => {
  t.is(await session.outputOf(['sh', '-c', 'umask'], (spec) => (spec.process.user.umask = 0o027)), '0027\n')
})

behaviour('the umask is 0022 where the config has none', {}, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'umask'] })
  const command = ['sh', '-c', 'umask 0077; exec "$@"', 'sh', ...session.commandLine(['run', session.id()])]
  t.is((await session.start(command, { env: session.runtime.env }).finished).stdout, '0022\n')
})

behaviour("the working directory is the config's", { runtimes: everyone }, async (t, session) => {
  t.is(await session.outputOf(['pwd'], (spec) => (spec.process.cwd = '/proc/self')), '/proc/1\n')
  t.is(await session.outputOf(['pwd'], (spec) => (spec.process.cwd = '/tmp')), '/tmp\n')
})

behaviour('a working directory that is missing is made', { runtimes: everyone }, async (t, session) => {
  t.is(await session.outputOf(['pwd'], (spec) => (spec.process.cwd = '/a/new/place')), '/a/new/place\n')
  t.is(statSync(`${session.cwd}/rootfs/a/new/place`).mode & 0o777, 0o755)
})

behaviour("the environment is the config's and nothing of the caller's", { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['cat', '/proc/self/environ'],
    edit: (spec) => (spec.process.env = ['PATH=/bin', 'EMPTY=', 'SPACE=a b', 'HOME=/nest']),
  })
  const run = await session.run(['run', session.id()], { env: { SECRET: 'of the caller', LD_PRELOAD: '' } })
  t.deepEqual(run.stdout.split('\0').filter(Boolean).sort(), ['EMPTY=', 'HOME=/nest', 'PATH=/bin', 'SPACE=a b'])
})

for (const [uid, home] of [
  [0, '/root'],
  [1000, '/home/mary'],
  [4711, '/'],
] as const) {
  behaviour(`HOME of uid ${uid} is ${home}, by the container's passwd`, {}, async (t, session) => {
    t.is(
      await session.outputOf(['sh', '-c', 'echo $HOME'], (spec) => (spec.process.user = { uid, gid: 0 })),
      `${home}\n`,
    )
  })
}

behaviour('of an environment variable that is set twice the last counts', { runtimes: ours }, async (t, session) => {
  const environ = await session.outputOf(
    ['cat', '/proc/self/environ'],
    (spec) => (spec.process.env = ['PATH=/bin', 'A=1', 'A=2']),
  )
  t.deepEqual(
    environ.split('\0').filter((entry) => entry.startsWith('A=')),
    ['A=2'],
  )
})

behaviour(
  "a program without a slash is looked up in the container's PATH",
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      args: ['tool'],
      edit: (spec) => (spec.process.env = ['PATH=/nowhere:/opt/first:/opt/second']),
      rootfs: (rootfs) => {
        session.shellSync(
          `mkdir -p opt/first opt/second; printf '#!/bin/sh\\necho second\\n' >opt/second/tool; chmod +x opt/second/tool`,
          rootfs,
        )
        // A file that can't be executed does not end the search.
        session.shellSync('touch opt/first/tool', rootfs)
      },
    })
    t.is(await session.ok(['run', session.id()]), 'second\n')
  },
)

behaviour('a program with a slash is taken from the working directory', { runtimes: everyone }, async (t, session) => {
  t.is(await session.outputOf(['./echo', 'here'], (spec) => (spec.process.cwd = '/bin')), 'here\n')
})

for (const [score, set] of [
  ['500', 500],
  ['0', undefined],
] as const) {
  behaviour(`oomScoreAdj ${set ?? 'that is not set'} leaves ${score}`, { runtimes: everyone }, async (t, session) => {
    const text = await session.outputOf(['cat', '/proc/self/oom_score_adj'], (spec) => {
      if (set !== undefined) spec.process.oomScoreAdj = set
    })
    t.is(text.trim(), set === undefined ? readFileSync('/proc/self/oom_score_adj', 'utf8').trim() : score)
  })
}

behaviour('the process leads a session of its own', { runtimes: everyone }, async (t, session) => {
  // With the caller's session it would have the caller's terminal: CVE-2017-5226.
  const [, , , , , sid] = (await session.outputOf(['cat', '/proc/self/stat'])).split(' ')
  t.is(sid, '1')
})

behaviour(
  'the process starts without blocked, ignored or pending signals',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({ args: ['cat', '/proc/self/status'] })
    const command = ['sh', '-c', 'trap \'\' TERM USR1; exec "$@"', 'sh', ...session.commandLine(['run', session.id()])]
    const run = await session.start(command, { env: session.runtime.env }).finished
    t.like(status(run.stdout), { SigBlk: none, SigPnd: none, ShdPnd: none })
  },
)

behaviour("programs of a script's kind run too", { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['/script', 'one'],
    rootfs: (rootfs) => session.shellSync(`printf '#!/bin/sh\\necho "$0 $1"\\n' >script; chmod +x script`, rootfs),
  })
  t.is(await session.ok(['run', session.id()]), '/script one\n')
  t.true(existsSync(`${session.cwd}/rootfs/script`))
})

behaviour(
  'the container has a session keyring of its own, which exec joins; --no-new-keyring leaves that of the caller',
  { unless: existsSync('/proc/keys') ? undefined : 'the kernel has no keyrings' },
  async (t, session) => {
    const script = 'cat /proc/keys >/dev/shm/some; mv /dev/shm/some /dev/shm/keys; exec sleep 60'
    session.bundle({ args: ['sh', '-c', script], edit: (spec) => (spec.linux.maskedPaths = []) })
    const serial = (keys: string) => new RegExp(`^(\\w+) .*_ses\\.${session.id()}: `, 'm').exec(keys)?.[1]
    // In this order: others' keys can be seen too, for as long as they are there.
    for (const [option, own] of [
      [['--no-new-keyring'], false],
      [[], true],
    ] as const) {
      await session.ok(['run', '--detach', ...option, session.id()])
      await session.ok(['exec', session.id(), 'sh', '-c', 'until test -e /dev/shm/keys; do sleep 0.01; done'])
      const ofInit = serial(await session.ok(['exec', session.id(), 'cat', '/dev/shm/keys']))
      const ofExec = serial(await session.ok(['exec', session.id(), 'cat', '/proc/keys']))
      t.is(ofInit !== undefined, own)
      t.is(ofExec, ofInit)
      await session.ok(['delete', '--force', session.id()])
    }
  },
)
