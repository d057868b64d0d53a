/** Terminals: one's own for the container, the caller's beside it, and what connects the two. */
import { existsSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { addHostPrograms, helper, linkHostPrograms, noHostPrograms, noPython } from '../harness/python.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Finished, Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

const withTerminal = (spec: Spec): void => {
  spec.process.terminal = true
}

/** Runs the runtime on a terminal of its own. */
function onTerminal(session: Session, options: readonly string[], argv: readonly string[]): Promise<Finished> {
  return session.start(helper('terminal', ...options, ...session.commandLine(argv)), { env: session.runtime.env })
    .finished
}

const python = { unless: noPython }

behaviour(
  "in the foreground the process has a terminal of its own, connected to the caller's",
  { runtimes: everyone, ...python },
  async (t, session) => {
    session.bundle({
      args: [
        'sh',
        '-c',
        'test -t 0 && test -t 1 && test -t 2 && echo ready && read line && echo "got $line"; tty; exit 6',
      ],
      edit: withTerminal,
    })
    const { code, stdout, stderr } = await onTerminal(session, ['--type', 'words\n'], ['run', session.id()])
    t.is(code, 6, stdout)
    t.regex(stdout, /ready\r?\n(words\r?\n)?got words\r?\n\/dev\/(pts\/0|console)\r?\n/)
    t.is(stderr, 'status 6 restored\n')
  },
)

behaviour(
  'the terminal controls the process: Ctrl-C is a SIGINT',
  { runtimes: everyone, ...python },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1; done'],
      edit: withTerminal,
    })
    const { code, stdout } = await onTerminal(session, ['--type', '\u0003'], ['run', session.id()])
    t.is(code, 5)
    t.regex(stdout, /interrupted/)
  },
)

behaviour("the terminal has the size of the caller's, and follows it", { ...python }, async (t, session) => {
  const wait = (size: string): string => `until [ "$(stty size 2>/dev/null)" = "${size}" ]; do sleep 0.05; done`
  const script = `${wait('30 100')}; echo ready; ${wait('40 120')}; echo resized`
  session.bundle({ args: ['sh', '-c', script], edit: withTerminal })
  const { stdout } = await onTerminal(session, ['--size', '30x100', '--resize', '40x120'], ['run', session.id()])
  t.regex(stdout, /resized\r?\n$/)
})

behaviour('the terminal is set up before the program can use it', { runtimes: ours, ...python }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'stty size; stty -a | grep -o -- "-*onlcr"'], edit: withTerminal })
  const { stdout } = await onTerminal(session, ['--size', '30x100'], ['run', session.id()])
  t.is(stdout.replaceAll('\r', ''), '30 100\n-onlcr\n')
})

behaviour("consoleSize is the terminal's first size", { runtimes: everyone, ...python }, async (t, session) => {
  const { lines } = await overConsoleSocket(session, ['sh', '-c', 'stty size'], (spec) => {
    spec.process.consoleSize = { height: 25, width: 132 }
  })
  t.deepEqual(lines, ['25 132', ''])
})

behaviour("/dev/console is the container's terminal", { runtimes: everyone, ...python }, async (t, session) => {
  const { lines } = await overConsoleSocket(session, [
    'sh',
    '-c',
    'echo to the console >/dev/console; stat -L -c %t /dev/console',
  ])
  t.deepEqual(lines, ['to the console', '88', ''])
})

behaviour("the terminal belongs to the process's user", { runtimes: likeRunc, ...python }, async (t, session) => {
  const { lines } = await overConsoleSocket(
    session,
    ['sh', '-c', 'stat -L -c %u /proc/self/fd/0; echo x >/dev/tty'],
    (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 }
    },
  )
  t.deepEqual(lines, ['1000', 'x', ''])
})

/** Runs a detached container with a terminal, and reads what it shows over a console socket. */
async function overConsoleSocket(
  session: Session,
  args: readonly string[],
  edit: (spec: Spec) => void = () => undefined,
  input: readonly string[] = [],
): Promise<{ message: string; lines: string[] }> {
  session.bundle({
    args,
    edit: (spec) => {
      withTerminal(spec)
      edit(spec)
    },
  })
  const socket = session.path('socket')
  const console = session.start(helper('console', socket, ...input))
  await until('the console listens', () => console.stdout() === 'ready\n')
  await session.ok(['create', '--console-socket', socket, session.id()])
  await until('create has sent the terminal', () => /^message .*\n/m.test(console.stdout()))
  await session.ok(['start', session.id()])
  await session.reaches('stopped')
  await session.ok(['delete', session.id()])
  const [, message = '', ...lines] = (await console.finished).stdout.split(/\r?\n/)
  return { message, lines }
}

behaviour(
  '--console-socket gets the terminal before create returns, with one descriptor',
  { runtimes: everyone, ...python },
  async (t, session) => {
    const { message, lines } = await overConsoleSocket(
      session,
      ['sh', '-c', 'read line; echo "got $line"'],
      undefined,
      ['words\n'],
    )
    const [, length, descriptors] = message.split(' ')
    t.is(descriptors, '1')
    t.true(Number(length) >= 1 && Number(length) <= 4095)
    t.true(lines.includes('got words'), lines.join('|'))
  },
)

behaviour('run --detach works with --console-socket', { runtimes: everyone, ...python }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'tty'], edit: withTerminal })
  const socket = session.path('socket')
  const console = session.start(helper('console', socket))
  await until('the console listens', () => console.stdout() === 'ready\n')
  await session.ok(['run', '--detach', '--console-socket', socket, session.id()])
  const { stdout } = await console.finished
  t.regex(stdout, /\/dev\/(pts\/0|console)/)
  await session.reaches('stopped')
  await session.ok(['delete', session.id()])
})

behaviour(
  "in the foreground carriage returns are added once, by the caller's terminal",
  { runtimes: likeRunc, ...python },
  async (t, session) => {
    // Callers compare outputs that depend on it: runc clears ONLCR on the container's terminal.
    session.bundle({
      args: ['sh', '-c', 'printf "a\\nb\\n"; stty -a 2>/dev/null | grep -o -e "-onlcr"'],
      edit: withTerminal,
    })
    t.is((await onTerminal(session, [], ['run', session.id()])).stdout, 'a\r\nb\r\n-onlcr\r\n')
  },
)

for (const [title, terminal, argv, message] of [
  ['a detached run with a terminal needs a console socket', true, ['run', '--detach'], /console.socket|tty/],
  ['create with a terminal needs a console socket', true, ['create'], /console.socket|tty/],
  [
    'a console socket without a terminal is an error',
    false,
    ['create', '--console-socket', 'socket'],
    /console.socket|tty|terminal/,
  ],
  ['a console socket that nobody listens on is an error', true, ['create', '--console-socket', 'socket'], /socket/],
] as const) {
  behaviour(title, {}, async (t, session) => {
    session.bundle({ edit: (spec) => (spec.process.terminal = terminal) })
    const result = await session.run([...argv, session.id()])
    t.is(result.code, 1)
    t.regex(result.message, message)
  })
}

behaviour(
  "--console uses a pty slave of the caller as the container's terminal",
  { runtimes: ours, ...python },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'test -t 0 && echo ready && read line && echo "got $line"; stty size; echo x >/dev/console'],
      edit: withTerminal,
    })
    for (const command of ['run', 'start']) {
      const { code, stdout } = await onTerminal(
        session,
        ['--slave', '--size', '30x100', '--type', 'words\n'],
        [command, '--console', 'SLAVE', session.id()],
      )
      t.is(code, 0)
      t.regex(stdout, /ready\r?\n(words\r?\n)?got words\r?\n30 100\r?\nx\r?\n/)
    }
  },
)

behaviour('--console of something that is no terminal is an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: withTerminal })
  for (const path of ['/dev/null', '/no/such/tty', session.file('file')]) {
    const { code, message } = await session.run(['run', '--console', path, session.id()])
    t.is(code, 1)
    t.true(message.includes(path), message)
  }
  t.true(existsSync('/dev/null'))
})

behaviour(
  "a process cannot type into the caller's terminal",
  { runtimes: everyone, unless: noHostPrograms },
  async (t, session) => {
    // CVE-2017-5226: TIOCSTI on a terminal that came as standard input.
    const script = `
import fcntl, termios
for character in b"rm\\n":
    try:
        fcntl.ioctl(0, termios.TIOCSTI, bytes([character]))
        print("typed")
    except OSError as error:
        print("refused")
print("ready")`
    session.bundle({ args: ['/usr/bin/python3', '-c', script], edit: addHostPrograms, rootfs: linkHostPrograms })
    const { stdout } = await onTerminal(session, [], ['run', session.id()])
    t.false(stdout.includes('typed'), stdout)
    t.regex(stdout, /refused/)
  },
)
