/** `--log`: what is told where, beside standard error. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { helper, noPython } from '../harness/python.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { Finished, Session } from '../harness/session.js'

behaviour(
  '--log-format json makes a record of an error, the last in the log',
  { runtimes: likeRunc },
  async (t, session) => {
    const log = session.path('log')
    const global = ['--root', session.root, '--log', log, '--log-format', 'json']
    const { code, message } = await session.run(['state', session.id()], { global })
    t.is(code, 1)
    t.regex(message, /container does not exist/)
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    const record: unknown = JSON.parse(lines.at(-1) ?? '')
    t.like(record, { level: 'error' })
    t.regex(lines.at(-1) ?? '', /"msg":".*container does not exist/)
    t.regex(lines.at(-1) ?? '', /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"/)
  },
)

behaviour('a record has what a program can tell errors apart by', { runtimes: ours }, async (t, session) => {
  const log = session.path('log')
  session.bundle({ args: ['/no/program'] })
  const global = ['--root', session.root, '--log', `file:${log}`, '--log-format', 'json']
  t.is((await session.run(['run', session.id()], { global })).code, 1)
  const { level, msg, time, ...parts } = JSON.parse(readFileSync(log, 'utf8'))
  t.deepEqual([level, msg], ['error', 'exec: "/no/program": stat /no/program: no such file or directory'])
  t.truthy(time)
  t.deepEqual(parts, { code: 'ERR_EXEC_NOT_FOUND', step: 'find program', path: '/no/program', errno: 2 })
})

/** Runs `state` of no container with a log service that listens at `socket`, and returns what it was sent. */
function withService(session: Session, log: string, socket: string): Promise<Finished> {
  const state = session.commandLine(['state', session.id()], { global: ['--root', session.root, '--log', log] })
  // In a view of its own, as the machine may have such a service.
  const view =
    'mount -t tmpfs none /run; mount -t tmpfs none /mnt; for name in null zero urandom; do touch /mnt/$name; mount --bind /dev/$name /mnt/$name; done; mount --move /mnt /dev'
  return session.start(
    [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      `${view}; exec "$@"`,
      'sh',
      ...helper('datagram', socket, '1', ...state),
    ],
    { env: session.runtime.env },
  ).finished
}

behaviour(
  '--log journald:NAME sends an error to the journal',
  { runtimes: ours, unless: noPython },
  async (t, session) => {
    const { code, stdout, stderr } = await withService(session, 'journald:web', '/run/systemd/journal/socket')
    t.is(code, 1)
    t.is(stderr, `container does not exist: ${session.id()}\n`)
    const fields = JSON.parse(stdout).split('\n')
    for (const field of [
      'PRIORITY=3',
      'SYSLOG_IDENTIFIER=web',
      'GANTRY_CODE=ERR_NOT_FOUND',
      `MESSAGE=container does not exist: ${session.id()}`,
    ])
      t.true(fields.includes(field), field)
  },
)

behaviour('--log syslog:NAME sends an error to syslog', { runtimes: ours, unless: noPython }, async (t, session) => {
  const { code, stdout } = await withService(session, 'syslog:web', '/dev/log')
  t.is(code, 1)
  t.regex(JSON.parse(stdout), /^<27>web\[\d+\]: container does not exist: /)
})

behaviour(
  'a log service that is not there is an error before anything happens',
  { runtimes: ours },
  async (t, session) => {
    session.bundle()
    const view = [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      'mount -t tmpfs none /run; exec "$@"',
      'sh',
    ]
    const options = { global: ['--root', session.root, '--log', 'journald:web'], through: view }
    const { code, message } = await session.run(['run', session.id()], options)
    t.is(code, 1)
    t.is(message, 'cannot write log /run/systemd/journal/socket: no such file or directory\n')
  },
)
