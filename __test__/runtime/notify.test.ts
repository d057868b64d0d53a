/** sd_notify(3): what a service in the container says reaches the service manager outside. */
import { behaviour } from '../harness/behaviour.js'
import { isAlive } from '../harness/machine.js'
import { addHostPrograms, helper, linkHostPrograms, noHostPrograms } from '../harness/python.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { Running, Session } from '../harness/session.js'
import { until } from '../harness/until.js'

/** A program that sends each text as one datagram to $NOTIFY_SOCKET, and goes on for a minute. */
function sends(...texts: string[]): string[] {
  const script = `
import os, socket, time
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
for text in ${JSON.stringify(texts)}:
    notify.send(text.encode())
time.sleep(60)`
  return ['/usr/bin/python3', '-c', script]
}

interface Manager {
  readonly env: { readonly NOTIFY_SOCKET: string }
  /** The messages so far. */
  messages(): string[]
  readonly running: Running
}

/** A service manager that listens. */
async function manager(session: Session, path = session.path('notify')): Promise<Manager> {
  const running = session.start(helper('notify', path))
  await until('the manager listens', () => running.stdout().startsWith('ready\n'))
  return {
    env: { NOTIFY_SOCKET: path },
    running,
    messages: () =>
      running
        .stdout()
        .split('\n')
        .slice(1)
        .filter(Boolean)
        .map((line): string => JSON.parse(line)),
  }
}

function bundle(session: Session, args: readonly string[]): void {
  session.bundle({ args, edit: addHostPrograms, rootfs: linkHostPrograms })
}

const python = { unless: noHostPrograms }

/** All lines of all messages. */
const lines = (manager: Manager): string[] => manager.messages().flatMap((message) => message.split('\n'))

behaviour('READY=1 is forwarded, and start returns then', { runtimes: likeRunc, ...python }, async (t, session) => {
  const service = await manager(session)
  bundle(session, sends('READY=1'))
  await session.ok(['create', session.id()], service)
  t.deepEqual(service.messages(), [])
  await session.ok(['start', session.id()], service)
  await until('READY came', () => lines(service).includes('READY=1'))
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force', session.id()])
})

behaviour(
  "MAINPID is the host's pid of the container's process",
  { runtimes: likeRunc, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, sends('READY=1'))
    await session.ok(['run', '--detach', session.id()], service)
    const { pid } = await session.state()
    t.true(isAlive(pid))
    await until('MAINPID came', () => lines(service).includes(`MAINPID=${pid}`))
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour("in the foreground too MAINPID is the container's", { runtimes: ours, ...python }, async (t, session) => {
  const service = await manager(session)
  bundle(session, sends('READY=1'))
  const run = session.spawn(['run', session.id()], service)
  await until('READY came', () => lines(service).includes('READY=1'))
  const { pid } = await session.state()
  await until('MAINPID came', () => lines(service).includes(`MAINPID=${pid}`))
  await session.ok(['kill', session.id(), 'KILL'])
  t.is((await run.finished).code, 137)
})

behaviour(
  'what else is in the datagram of READY=1 is forwarded with it',
  { runtimes: ours, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, sends('STATUS=Almost there\nREADY=1\nERRNO=0'))
    t.is(await session.ok(['run', '--detach', session.id()], service), '')
    for (const line of ['STATUS=Almost there', 'READY=1', 'ERRNO=0'])
      await until(line, () => lines(service).includes(line))
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour('messages before READY=1 do not make start return', { runtimes: ours, ...python }, async (t, session) => {
  const service = await manager(session)
  bundle(session, sends('STATUS=One', 'STATUS=Two'))
  const run = session.spawn(['run', '--detach', session.id()], service)
  await session.reaches('running').catch(() => undefined)
  await until('the service runs', async () => (await session.run(['state', session.id()])).stdout.includes('"running"'))
  t.is(run.child.exitCode, null)
  await session.ok(['kill', session.id(), 'KILL'])
  await run.finished
  await session.ok(['delete', '--force', session.id()])
})

for (const command of [['run'], ['run', '--detach']]) {
  behaviour(
    `${command.join(' ')} does not hang when the process ends without READY=1`,
    { runtimes: ours, ...python },
    async (t, session) => {
      const service = await manager(session)
      bundle(session, ['sh', '-c', 'exit 3'])
      const { code } = await session.run([...command, session.id()], service)
      if (command.length === 1) t.is(code, 3)
      t.false(lines(service).includes('READY=1'))
      await session.ok(['delete', '--force', session.id()])
    },
  )
}

behaviour(
  "the container sees a socket of its own, not the host's",
  { runtimes: likeRunc, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, [
      'sh',
      '-c',
      'echo $NOTIFY_SOCKET; stat -c %F $NOTIFY_SOCKET; exec "$@"',
      'sh',
      ...sends('READY=1'),
    ])
    const run = session.spawn(['run', '--detach', session.id()], service)
    t.is((await run.finished).code, 0)
    const [path = '', kind] = run.stdout().split('\n')
    t.is(kind, 'socket')
    t.not(path, service.env.NOTIFY_SOCKET)
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour('an abstract socket of the manager works', { runtimes: likeRunc, ...python }, async (t, session) => {
  const service = await manager(session, `@${session.mark}`)
  bundle(session, sends('READY=1'))
  t.is(await session.ok(['run', '--detach', session.id()], service), '')
  await until('READY came', () => lines(service).includes('READY=1'))
  await session.ok(['delete', '--force', session.id()])
})

behaviour(
  'a foreground service that is ready is still forwarded its signals',
  { runtimes: ours, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, ['sh', '-c', 'trap "exit 7" TERM; "$@" & while :; do sleep 0.1; done', 'sh', ...sends('READY=1')])
    const run = session.spawn(['run', session.id()], service)
    await until('READY came', () => lines(service).includes('READY=1'))
    run.child.kill('SIGTERM')
    t.is((await run.finished).code, 7)
  },
)

behaviour('signals reach a service that is not ready yet', { runtimes: ours, ...python }, async (t, session) => {
  const service = await manager(session)
  bundle(session, ['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'])
  const run = session.spawn(['run', session.id()], service)
  await until('the service is up', () => run.stdout() === 'up\n')
  run.child.kill('SIGTERM')
  t.is((await run.finished).code, 7)
})

const everything = [
  'EXTEND_TIMEOUT_USEC=5000000',
  'STATUS=warming up',
  'READY=1',
  'WATCHDOG_USEC=9000000',
  'WATCHDOG=1',
  'RELOADING=1\nMONOTONIC_USEC=12345',
  'READY=1\nSTATUS=reloaded',
  'ERRNO=2\nSTATUS=bad luck',
  'WATCHDOG=trigger',
  'STOPPING=1',
]

behaviour(
  'in the foreground the manager hears everything for as long as the container lives',
  { runtimes: ours, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, sends(...everything, 'MAINPID=1', 'X_UNKNOWN=1', `STATUS=${'x'.repeat(5000)}`, 'STATUS=last'))
    const run = session.spawn(['run', session.id()], service)
    await until('the last came', () => lines(service).includes('STATUS=last'))
    const main = `MAINPID=${(await session.state()).pid}`
    const expected = everything.map((text) => (text.includes('READY=1') ? `${text}\n${main}` : text))
    t.deepEqual(service.messages(), [...expected, main, 'STATUS=last'])
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await run.finished).code, 137)
  },
)

behaviour('what a container says last is heard', { runtimes: ours, ...python }, async (t, session) => {
  const service = await manager(session)
  const [program = '', option = '', script = ''] = sends('READY=1', 'STOPPING=1', 'STATUS=bye')
  bundle(session, [program, option, script.replace('time.sleep(60)', '')])
  t.is((await session.run(['run', session.id()], service)).code, 0)
  await until('the last came', () => lines(service).includes('STATUS=bye'))
})

/** A program that sends a text with a file that has `text` in it, and one end of a pipe; then says when that end is closed everywhere. */
function sendsDescriptor(message: string): string[] {
  const script = `
import os, socket, time
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
reader, writer = os.pipe()
ours, theirs = os.pipe()
os.write(writer, b"contents")
socket.send_fds(notify, [${JSON.stringify(message)}.encode()], [reader])
socket.send_fds(notify, [b"BARRIER=1"], [theirs])
os.close(theirs)
print("barrier", os.read(ours, 1), flush=True)`
  return ['/usr/bin/python3', '-c', script]
}

behaviour(
  'a descriptor to be stored reaches the manager, and a barrier is answered by it',
  { runtimes: ours, ...python },
  async (t, session) => {
    const service = await manager(session)
    bundle(session, sendsDescriptor('FDSTORE=1\nFDNAME=pipe'))
    t.is((await session.run(['run', session.id()], service)).stdout, "barrier b''\n")
    t.deepEqual(service.messages(), ['FDSTORE=1\nFDNAME=pipe\ndescriptor contents', 'BARRIER=1'])
  },
)

behaviour('a flood of messages is slowed down, and none is lost', { runtimes: ours, ...python }, async (t, session) => {
  const service = await manager(session)
  const flood = Array.from({ length: 300 }, (_, number) => `STATUS=${number}`)
  bundle(session, ['sh', '-c', 'trap "exit 7" TERM; "$@" & while :; do sleep 0.1; done', 'sh', ...sends(...flood)])
  const run = session.spawn(['run', session.id()], service)
  await until('the last came', () => lines(service).includes('STATUS=299'))
  t.deepEqual(service.messages(), flood)
  run.child.kill('SIGTERM')
  t.is((await run.finished).code, 7)
})
