/** What exec takes over from the container beside ids and limits, what its options add, and what they refuse. */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { helper, noPython } from '../harness/python.js'
import { present } from '../harness/rootfs.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

const hasApparmor = present('/sys/module/apparmor/parameters/enabled')
const hasSelinux = readFileSync('/proc/filesystems', 'utf8').includes('selinuxfs')
const noNuma = present('/proc/self/numa_maps') ? undefined : 'the kernel has no NUMA'

const takenOver: [what: string, edit: (spec: Spec) => unknown, args: string[], expected: RegExp, unless?: string][] = [
  [
    'the scheduler',
    (spec) => (spec.process.scheduler = { policy: 'SCHED_BATCH', nice: 7 }),
    ['sh', '-c', 'cut -d " " -f 19,41 /proc/$$/stat'],
    /^7 3\n$/,
  ],
  [
    'the I/O priority',
    (spec) => (spec.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 7 }),
    ['busybox', 'ionice'],
    /^best-effort: prio 7\n$/,
  ],
  [
    'the memory policy',
    (spec) => (spec.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0' }),
    ['cat', '/proc/self/numa_maps'],
    / bind:0 /,
    noNuma,
  ],
  ['the umask', (spec) => (spec.process.user.umask = 0o27), ['sh', '-c', 'umask'], /^0027\n$/],
]

for (const [what, edit, args, expected, unless] of takenOver) {
  behaviour(`exec takes over ${what}`, { runtimes: ours, view: 'v2', unless }, async (t, session) => {
    await inContainer(session, { edit: (spec) => void edit(spec) }, async (id) => {
      t.regex(await session.ok(['exec', id, ...args]), expected)
    })
  })
}

behaviour(
  'exec runs on the processors of execCPUAffinity',
  { runtimes: ours, unless: availableParallelism() < 2 ? 'there is one processor' : undefined },
  async (t, session) => {
    const edit = (spec: Spec): void => {
      spec.process.execCPUAffinity = { initial: '0', final: '1' }
    }
    await inContainer(session, { edit }, async (id) => {
      const allowed = ['grep', 'Cpus_allowed_list', '/proc/self/status']
      t.is(await session.ok(['exec', id, ...allowed]), 'Cpus_allowed_list:\t1\n')
      t.notRegex(
        session.shellSync(`${allowed.slice(0, 2).join(' ')} /proc/${(await session.state()).pid}/status`),
        /:\t1$/m,
      )
    })
  },
)

behaviour(
  'exec --preserve-fds passes descriptors from 3 on, and no more',
  { runtimes: everyone },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const list = 'for fd in /proc/self/fd/[3-9]; do [ -e $fd ] && printf "%s " $(basename $fd); done'
      const script = `cat <&3; cat <&4; { ${list}; } 2>/dev/null`
      const command = session.commandLine(['exec', '--preserve-fds', '2', id, 'sh', '-c', script])
      const open = `exec 3<${session.file('one', '1')} 4<${session.file('two', '2')} 5</etc/passwd; exec "$@"`
      const { stdout } = await session.start(['sh', '-c', open, 'sh', ...command], { env: session.runtime.env })
        .finished
      t.regex(stdout, /^123 4 $/)
    })
  },
)

/** No PID namespace: there the orphans of a container come to those above it. */
const withoutPids = (spec: Spec): void => {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid')
}
/** Leaves an orphan, whose pid it knows. */
const orphan = (life: string): string => `pid=$(sh -c "sleep ${life} >/dev/null & echo \\$!")`
/** Waits until it is there no more, not even as a zombie. */
const reaped = `${orphan('0.1')}; while [ -e /proc/$pid ]; do sleep 0.02; done; echo reaped`
/** Leaves orphans until one has our parent: that may need a moment until it is ready for them. */
const adopted = `until ${orphan('5')}; [ "$(cut -d ' ' -f 4 /proc/$pid/stat)" = $PPID ]; do sleep 0.02; done; echo adopted`
const parent = `${orphan('5')}; cut -d ' ' -f 4 /proc/$pid/stat`

for (const command of ['run', 'exec']) {
  /** Prepares the container, and gives the command line for a script in it. */
  const prepare = async (session: Session, script: string, ...options: string[]): Promise<string[]> => {
    const args = ['sh', '-c', script]
    session.bundle({ args: command === 'run' ? args : ['sleep', '600'], edit: withoutPids })
    if (command === 'run') return ['run', ...options, session.id()]
    await session.ok(['run', '--detach', session.id()])
    return ['exec', ...options, session.id(), ...args]
  }

  behaviour(`${command} reaps orphans of the container`, { runtimes: ['gantry', 'runc'] }, async (t, session) => {
    t.is(await session.ok(await prepare(session, reaped)), 'reaped\n')
    await session.ok(['delete', '--force', session.id()])
  })

  behaviour(`${command} adopts orphans of the container`, { runtimes: ours }, async (t, session) => {
    t.is(await session.ok(await prepare(session, adopted)), 'adopted\n')
    await session.ok(['delete', '--force', session.id()])
  })

  behaviour(
    `${command} --no-subreaper leaves orphans to the caller`,
    { runtimes: command === 'run' ? likeRunc : ours, unless: noPython },
    async (t, session) => {
      const line = session.commandLine(await prepare(session, parent, '--no-subreaper'))
      const caller = session.start(helper('subreaper', ...line), { env: session.runtime.env })
      await until('the command has ended', () => caller.stdout().includes('command 0\n'))
      t.is(caller.stdout().split('\n')[0], String(caller.pid))
      await session.ok(['delete', '--force', session.id()])
      await caller.finished
    },
  )
}

/** These are served once the program runs; then it is killed, at whatever it is. */
const served = ['--pid-file', '--pidfd-socket']

const wrong: [options: string[], expected: RegExp][] = [
  [['--process', '/nowhere'], /^cannot read \/nowhere: no such file/],
  [['--process', '/etc/passwd'], /^\/etc\/passwd:1:1: expected a value/],
  [['--cwd', 'relative'], /^Cwd must be an absolute path: relative/],
  [['--env', 'NAME'], /^invalid environment variable "NAME": expected NAME=value/],
  [['--env', '=value'], /^invalid environment variable "=value"/],
  [['--user', 'mary'], /^invalid number "mary" for --user/],
  [['--additional-gids', 'staff'], /^invalid number "staff" for --additional-gids/],
  [['--additional-gids', '4294967295'], /^invalid id "4294967295" for --additional-gids/],
  [['--preserve-fds', 'x'], /^invalid number "x" for --preserve-fds/],
  [['--preserve-fds', '-1'], /preserve-fds/],
  [['--preserve-fds', '200'], /^cannot pass on descriptor \d+: bad file descriptor/],
  [['--pid-file', '/nowhere/pid'], /\/nowhere\/pid: no such file/],
  [['--pidfd-socket', '/nowhere/socket'], /\/nowhere\/socket: no such file/],
  [['--console-socket', '/nowhere/socket'], /^cannot use console socket if gantry will not detach or allocate tty/],
  [['--detach', '--tty'], /^cannot allocate tty if gantry will detach without setting console socket/],
  [['--detach', '--tty', '--console-socket', '/nowhere/socket'], /\/nowhere\/socket: no such file/],
  [['--cgroup', '../beside'], /^--cgroup: \.\.\/beside is not below the cgroup of the container/],
  [['--cgroup', 'nothing:sub'], /^--cgroup: there is no cgroup v1 controller "nothing"/],
]

behaviour(
  'options of exec that are refused are named, with 255, and nothing goes on',
  { runtimes: ours },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      for (const [options, expected] of wrong) {
        const program = options.some((option) => served.includes(option)) ? ['sleep', '600'] : ['touch', '/tmp/ran']
        // A process section is the program too.
        const words = options.includes('--process') ? [] : program
        const { code, stdout, stderr } = await session.run(['exec', ...options, id, ...words])
        t.is(code, 255, options.join(' '))
        t.is(stdout, '')
        t.regex(stderr, expected, options.join(' '))
        t.false(existsSync(`${session.cwd}/rootfs/tmp/ran`), options.join(' '))
      }
      for (const words of [[id], [id, '']]) t.is((await session.run(['exec', ...words])).code, 255, words.join(' '))
      t.is((await session.run(['exec', '--process', '/dev/null', id, 'true'])).code, 255)
      // As in runc, 255 is for a command line that was understood.
      for (const words of [[], ['--no-such-option', id, 'true'], ['--user']])
        t.is((await session.run(['exec', ...words])).code, 1, words.join(' '))
      t.is(await session.ok(['ps', '--format', 'json', id]), `[${(await session.state()).pid}]\n`)
    })
  },
)

behaviour('a capability that there is not is left out, with a warning', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const { code, stderr } = await session.run(['exec', '--cap', 'CAP_NOTHING', id, 'true'])
    t.is(code, 0)
    t.regex(stderr, /CAP_NOTHING/)
  })
})

const noLabels: [option: string, value: string, expected: RegExp, unless: boolean][] = [
  ['--apparmor', 'docker-default', /process\.apparmorProfile: AppArmor is not enabled/, hasApparmor],
  ['--process-label', 'system_u:system_r:container_t:s0', /process\.selinuxLabel: SELinux is not enabled/, hasSelinux],
]

for (const [option, value, expected, unless] of noLabels) {
  behaviour(
    `exec ${option} is refused where the kernel does not have that`,
    { runtimes: ours, ...(unless && { unless: 'the kernel has it' }) },
    async (t, session) => {
      await inContainer(session, {}, async (id) => {
        const { code, stderr } = await session.run(['exec', option, value, id, 'touch', '/tmp/ran'])
        t.is(code, 255)
        t.regex(stderr, expected)
        t.false(existsSync(`${session.cwd}/rootfs/tmp/ran`))
      })
    },
  )
}
