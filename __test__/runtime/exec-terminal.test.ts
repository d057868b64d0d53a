/** Terminals, sockets and descriptors of a process that exec has started. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { helper, noPython } from '../harness/python.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Finished, Session } from '../harness/session.js'
import { until } from '../harness/until.js'

const python = { unless: noPython }

/** Runs exec on a terminal of its own. */
function onTerminal(session: Session, options: readonly string[], argv: readonly string[]): Promise<Finished> {
  return session.start(helper('terminal', ...options, ...session.commandLine(['exec', ...argv])), {
    env: session.runtime.env,
  }).finished
}

behaviour(
  "exec --tty gives the process a terminal of the container's, connected to the caller's",
  { runtimes: everyone, ...python },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const script = 'test -t 0 && test -t 1 && test -t 2 && echo ready && read line && echo "got $line"; tty; exit 6'
      const { code, stdout, stderr } = await onTerminal(
        session,
        ['--type', 'words\n'],
        ['--tty', id, 'sh', '-c', script],
      )
      t.is(code, 6, stdout)
      t.regex(stdout, /ready\r?\n(words\r?\n)?got words\r?\n\/dev\/pts\/0\r?\n/)
      t.is(stderr, 'status 6 restored\n')
    })
  },
)

behaviour(
  'the terminal controls the process of exec: Ctrl-C is a SIGINT',
  { runtimes: everyone, ...python },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const script = 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1; done'
      const { code, stdout } = await onTerminal(session, ['--type', '\u0003'], ['-t', id, 'sh', '-c', script])
      t.is(code, 5)
      t.regex(stdout, /interrupted/)
    })
  },
)

behaviour("the terminal of exec has the size of the caller's, and follows it", { ...python }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const wait = (size: string): string => `until [ "$(stty size 2>/dev/null)" = "${size}" ]; do sleep 0.05; done`
    const script = `${wait('30 100')}; echo ready; ${wait('40 120')}; echo resized`
    const sizes = ['--size', '30x100', '--resize', '40x120']
    const { stdout } = await onTerminal(session, sizes, ['-t', id, 'sh', '-c', script])
    t.regex(stdout, /resized\r?\n$/)
  })
})

behaviour(
  'the terminal of exec is set up before the program can use it',
  { runtimes: ours, ...python },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const script = 'stty size; stty -a | grep -o -- "-*onlcr"; stat -c %u $(tty)'
      const { stdout } = await onTerminal(session, ['--size', '30x100'], ['-t', '-u', '1000', id, 'sh', '-c', script])
      t.is(stdout.replaceAll('\r', ''), '30 100\n-onlcr\n1000\n')
    })
  },
)

behaviour(
  'a process of exec without a terminal has none, not even the one of its caller',
  { runtimes: everyone, ...python },
  async (t, session) => {
    // CVE-2017-5226: what is typed into the caller's terminal would be executed outside.
    await inContainer(session, {}, async (id) => {
      const { stdout } = await onTerminal(session, [], [id, 'sh', '-c', 'true </dev/tty || echo none'])
      t.regex(stdout, /none/)
    })
  },
)

behaviour(
  'exec --detach sends the terminal to --console-socket, in one message, before it returns',
  { runtimes: everyone, ...python },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const socket = session.path('socket')
      const console = session.start(helper('console', socket, 'words\n'))
      await until('the console listens', () => console.stdout() === 'ready\n')
      await session.ok([
        'exec',
        '--detach',
        '--tty',
        '--console-socket',
        socket,
        id,
        'sh',
        '-c',
        'read line; echo "got $line"',
      ])
      const [, message = '', ...lines] = (await console.finished).stdout.split(/\r?\n/)
      const [, length, descriptors] = message.split(' ')
      t.is(descriptors, '1')
      t.true(Number(length) >= 1 && Number(length) <= 4095)
      t.true(lines.includes('got words'), lines.join('|'))
    })
  },
)

for (const [title, argv] of [
  ['a detached exec with a terminal needs a console socket', ['--detach', '--tty']],
  ['a console socket without a terminal is an error', ['--detach', '--console-socket', 'socket']],
  ['a console socket in the foreground is an error', ['--tty', '--console-socket', 'socket']],
  ['a console socket that nobody listens on is an error', ['--detach', '--tty', '--console-socket', 'socket']],
] as const) {
  behaviour(`exec: ${title}`, { runtimes: ours }, async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const { code, message } = await session.run(['exec', ...argv, id, 'true'])
      t.is(code, 255)
      t.regex(message, /console.socket|tty/)
    })
  })
}

behaviour('exec --pidfd-socket gets a pidfd of the process', { runtimes: ours, ...python }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const socket = session.path('socket')
    const receiver = session.start(helper('pidfd', socket))
    await until('somebody listens', () => receiver.stdout().startsWith('ready\n'))
    const pidFile = session.path('pid')
    await session.ok(['exec', '-d', '--pidfd-socket', socket, '--pid-file', pidFile, id, 'sleep', '600'])
    const { stdout } = await receiver.finished
    t.true(stdout.includes(readFileSync(pidFile, 'utf8')), stdout)
  })
})

const list = 'for fd in /proc/self/fd/*; do [ -L $fd ] && printf "%s " $(basename $fd); done'
const leaks = 'exec 3</ 4</etc 5</proc/self/status 7</dev/null 9>/dev/null 40</ 100</usr 250</'

behaviour('no descriptor of its caller gets into the process of exec', { runtimes: everyone }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const exec = (options: readonly string[]): Promise<Finished> =>
      session.start(
        [
          'bash',
          '-ec',
          `${leaks}; exec "$@"`,
          'bash',
          ...session.commandLine(['exec', ...options, id, 'sh', '-c', list]),
        ],
        { env: session.runtime.env },
      ).finished
    t.is((await exec([])).stdout, '0 1 2 ')
    t.is((await exec(['--preserve-fds', '2'])).stdout, '0 1 2 3 4 ')
    t.not((await exec(['--preserve-fds', '4'])).code, 0, 'descriptor 6 is not open')
  })
})

behaviour('LISTEN_FDS goes to the process of exec, with its own pid', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const script = 'exec 3</dev/null; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=$$; exec "$@"'
    const command = session.commandLine([
      'exec',
      id,
      'sh',
      '-c',
      `echo $LISTEN_FDS $LISTEN_FDNAMES; [ $LISTEN_PID = $$ ] && ${list}`,
    ])
    const { stdout } = await session.start(['bash', '-ec', script, 'bash', ...command], { env: session.runtime.env })
      .finished
    t.is(stdout, '1 web\n0 1 2 3 ')
  })
})

behaviour(
  'a terminal that another file system stands in for is refused',
  { runtimes: likeRunc, ...python },
  async (t, session) => {
    // CVE-2025-52565: /dev/pts/ptmx is taken only from a devpts.
    await inContainer(
      session,
      {
        edit: (spec) => {
          spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/dev/pts')
        },
        args: ['sh', '-c', 'mkdir /dev/pts; mknod /dev/pts/ptmx c 5 2; exec sleep 600'],
      },
      async (id) => {
        const { code } = await onTerminal(session, [], ['--tty', id, 'true'])
        t.not(code, 0)
      },
    )
  },
)
