/** Descriptors: the container has its standard streams, what was asked for, and nothing of the runtime or its caller. */
import { readdirSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { noPython } from '../harness/python.js'
import { everyone, ours } from '../harness/runtime.js'
import type { Finished, RunOptions, Session } from '../harness/session.js'

/** Runs `run ID` from a shell that does something with its descriptors first. */
function runAfter(
  session: Session,
  script: string,
  argv: readonly string[] = [],
  options: RunOptions = {},
): Promise<Finished> {
  const command = session.commandLine(['run', ...argv, session.id()], options)
  return session.start(['bash', '-ec', `${script}\nexec "$@"`, 'bash', ...command], {
    ...options,
    env: { ...session.runtime.env, ...options.env },
  }).finished
}

/** Shell code that prints the numbers of open descriptors, without those that it needs for that itself. */
const list = 'for fd in /proc/1/fd/*; do [ -L $fd ] && printf "%s " $(basename $fd); done'
const numbers = ['sh', '-c', list]

const leaks = 'exec 3</ 4</etc 5</proc/self/status 7</dev/null 9>/dev/null 40</ 100</usr 250</'

behaviour('no descriptor of the caller gets into the container', { runtimes: everyone }, async (t, session) => {
  // CVE-2024-21626: a leaked directory is a way out.
  session.bundle({ args: numbers })
  t.is((await runAfter(session, leaks)).stdout, '0 1 2 ')
})

behaviour('a created container holds nothing of the host but its streams', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  const create = session.start(
    ['bash', '-ec', `${leaks}; exec "$@"`, 'bash', ...session.commandLine(['create', session.id()])],
    { env: session.runtime.env },
  )
  t.is((await create.finished).code, 0)
  const { pid } = await session.state()
  // What is open on one of the host's mounts, by their numbers: a directory of the host would be a way out.
  const hostMounts = new Set(
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[0]),
  )
  const onHost = readdirSync(`/proc/${pid}/fd`).filter((number) =>
    hostMounts.has(/^mnt_id:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${number}`, 'utf8'))?.[1] ?? ''),
  )
  t.deepEqual(onHost, ['0', '1', '2'])
  await session.ok(['delete', '--force', session.id()])
})

behaviour('--preserve-fds 2 passes 3 and 4, and no more', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', `cat <&3; cat <&4; ${list}`] })
  session.file('one', '1')
  session.file('two', '2')
  session.file('three', '3')
  const { stdout } = await runAfter(session, `exec 3<${session.dir}/one 4<${session.dir}/two 5<${session.dir}/three`, [
    '--preserve-fds',
    '2',
  ])
  t.is(stdout, '120 1 2 3 4 ')
})

// Go and Node have descriptors of their own there.
behaviour(
  '--preserve-fds with a descriptor that is not open is an error',
  { runtimes: ['gantry'] },
  async (t, session) => {
    session.bundle()
    const { code, message } = await runAfter(session, 'exec 3</dev/null 4<&-', ['--preserve-fds', '2'])
    t.is(code, 1)
    t.regex(message, /descriptor 4: bad file descriptor/)
  },
)

behaviour('LISTEN_FDS passes the sockets of a service manager, and tells of them', {}, async (t, session) => {
  // sd_listen_fds(3): LISTEN_PID must be ours, and becomes 1.
  session.bundle({ args: ['sh', '-c', `cat <&3; cat <&4; echo $LISTEN_FDS $LISTEN_PID; ${list}`] })
  session.file('one', '1')
  session.file('two', '2')
  const script = `exec 3<${session.dir}/one 4<${session.dir}/two 5</; export LISTEN_FDS=2 LISTEN_PID=$$`
  t.is((await runAfter(session, script)).stdout, '122 1\n0 1 2 3 4 ')
})

behaviour('LISTEN_FDNAMES goes with LISTEN_FDS', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'echo $LISTEN_FDS $LISTEN_FDNAMES'] })
  const script = 'exec 3</dev/null 4</dev/null; export LISTEN_FDS=2 LISTEN_FDNAMES=web:admin LISTEN_PID=$$'
  t.is((await runAfter(session, script)).stdout, '2 web:admin\n')
})

behaviour('LISTEN_FDS that is meant for another process is ignored', {}, async (t, session) => {
  session.bundle({ args: ['sh', '-c', `echo $LISTEN_FDS $LISTEN_PID; ${list}`] })
  for (const pid of ['1', '$PPID', '""', 'x']) {
    const { stdout } = await runAfter(
      session,
      `exec 3</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=${pid}`,
    )
    t.is(stdout, '\n0 1 2 ')
  }
})

behaviour('preserved descriptors come after those of LISTEN_FDS', {}, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'cat <&3; cat <&4; echo $LISTEN_FDS'] })
  session.file('one', '1')
  session.file('two', '2')
  const script = `exec 3<${session.dir}/one 4<${session.dir}/two; export LISTEN_FDS=1 LISTEN_PID=$$`
  t.is((await runAfter(session, script, ['--preserve-fds', '1'])).stdout, '121\n')
})

behaviour('LISTEN_FDS survives create, and is there at start', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'cat <&3; echo $LISTEN_FDS $LISTEN_PID'] })
  session.file('one', '1')
  const script = `exec 3<${session.dir}/one; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"`
  const create = session.start(['bash', '-ec', script, 'bash', ...session.commandLine(['create', session.id()])], {
    env: session.runtime.env,
  })
  t.is((await create.finished).code, 0)
  await session.ok(['start', session.id()])
  await session.reaches('stopped')
  t.is(create.stdout(), '11 1\n')
  await session.ok(['delete', session.id()])
})

for (const closed of ['0<&-', '1>&-', '2>&-', '0<&- 1>&- 2>&-']) {
  behaviour(
    `a caller with ${closed} closed gets a container, and nothing else in those places`,
    { runtimes: ours, unless: noPython },
    async (t, session) => {
      const directory = session.directory('shared')
      session.bundle({
        args: ['sh', '-c', 'ls -l /proc/1/fd >/mnt/listing'],
        edit: (spec) => spec.mounts.push({ destination: '/mnt', source: directory, options: ['bind'] }),
      })
      const { code } = await runAfter(session, `exec ${closed}`)
      t.is(code, 0)
      const links = session.shellSync(`sed -n 's/.* -> //p' ${directory}/listing`).trim().split('\n')
      for (const link of links) t.regex(link, /^\/dev\/null$|^pipe:|\/output\/|^\/mnt\/listing$|^$/, links.join(' '))
    },
  )
}
