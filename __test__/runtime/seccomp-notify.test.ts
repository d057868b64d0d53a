/** `SCMP_ACT_NOTIFY`: calls that an agent outside of the container answers for. */
import type { ExecutionContext } from 'ava'
import { behaviour } from '../harness/behaviour.js'
import { helper, noPython } from '../harness/python.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { Running, Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

const unless = noPython ?? (process.arch === 'x64' ? undefined : 'has the numbers of x86_64')

const EDQUOT = 122
const MKDIR = 83
const EXECVE = 59
const MKDIRAT = 258

/** An agent that refuses to make directories, listening. */
async function startAgent(session: Session): Promise<Running> {
  const agent = session.start(
    helper('seccomp-agent', session.path('agent'), ...[EDQUOT, MKDIR, MKDIRAT].map((number) => String(number))),
  )
  await until('the agent listens', () => agent.stdout().startsWith('ready\n'))
  return agent
}

function notifying(session: Session, names: readonly string[]): (spec: Spec) => void {
  return (spec) => {
    spec.annotations = { 'org.example.bird': 'canary' }
    spec.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: session.path('agent'),
      listenerMetadata: 'of the test',
      syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
    }
  }
}

/** What the agent was told, and the numbers of the calls that it answered for. */
function heard(agent: Running): { state: Record<string, unknown>; descriptors: string; calls: number[] } {
  const [, state = '', descriptors = '', ...lines] = agent.stdout().trim().split('\n')
  const calls = lines.flatMap((line) => (line.startsWith('call ') ? [Number(line.slice('call '.length))] : []))
  return { state: JSON.parse(state), descriptors, calls }
}

function checkState(t: ExecutionContext, session: Session, agent: Running, init?: number): void {
  const { state, descriptors } = heard(agent)
  t.is(descriptors, 'descriptors 1')
  t.like(state, {
    fds: ['seccompFd'],
    metadata: 'of the test',
    state: {
      id: session.id(),
      bundle: session.cwd,
      annotations: { 'org.example.bird': 'canary' },
      pid: init ?? state.pid,
    },
  })
  t.true(Number(state.pid) > 0)
}

behaviour('an agent answers for calls, and knows for whom', { runtimes: likeRunc, unless }, async (t, session) => {
  const agent = await startAgent(session)
  session.bundle({ args: ['mkdir', '/tmp/never'], edit: notifying(session, ['mkdir', 'mkdirat']) })
  const { code, stderr } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(stderr, /never.*Disk quota exceeded/)
  await agent.finished
  checkState(t, session, agent)
})

behaviour(
  'an agent answers for a container that was created before it listens, and another for `exec`',
  { runtimes: ours, unless },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'mkdir /tmp/never; while test ! -e /end; do sleep 0.01; done'],
      edit: notifying(session, ['mkdir', 'mkdirat']),
    })
    const create = session.spawn(['create', session.id()])
    t.is((await create.finished).code, 0)
    const agent = await startAgent(session)
    await session.ok(['start', session.id()])
    await until('the call is refused', () => create.stderr().includes('Disk quota exceeded'))
    const { pid } = await session.state()
    checkState(t, session, agent, pid)
    // One state a connection, and that is closed then, while the agent answers.
    await until('the connection is closed', () => /^closed$/m.test(agent.stdout()))
    t.is(heard(agent).state.pid, pid)
    t.like(heard(agent).state.state, { status: 'created' })
    const second = await startAgent(session)
    t.regex((await session.run(['exec', session.id(), 'mkdir', '/tmp/never'])).stderr, /Disk quota exceeded/)
    await second.finished
    checkState(t, session, second, pid)
    t.not(heard(second).state.pid, pid)
    t.like(heard(second).state.state, { status: 'running' })
    session.shellSync('touch rootfs/end')
    await session.reaches('stopped')
    await agent.finished
    await session.ok(['delete', session.id()])
  },
)

behaviour(
  'the calls that the runtime needs may be ones that the agent answers for',
  { runtimes: ours, unless },
  async (t, session) => {
    const agent = await startAgent(session)
    const names = [
      'close_range',
      'execve',
      'exit_group',
      'fcntl',
      'mkdir',
      'poll',
      'read',
      'recvfrom',
      'sendmsg',
      'sendto',
      'write',
    ]
    session.bundle({
      args: ['mkdir', '/tmp/never'],
      edit: (spec) => {
        spec.process.noNewPrivileges = false
        notifying(session, names)(spec)
      },
    })
    const { stderr } = await session.run(['run', session.id()])
    t.regex(stderr, /never.*Disk quota exceeded/)
    await agent.finished
    // None of ours but the one that becomes the program.
    t.deepEqual(heard(agent).calls.slice(0, 1), [EXECVE])
    t.is(heard(agent).calls.filter((number) => number === EXECVE).length, 1)
  },
)

behaviour(
  'an agent may be asked about every call: notifications as the default action',
  { runtimes: [...ours, 'crun'], unless },
  async (t, session) => {
    const agent = await startAgent(session)
    session.bundle({
      args: ['mkdir', '/tmp/never'],
      edit: (spec) => {
        notifying(session, [])(spec)
        Object.assign(spec.linux.seccomp ?? {}, { defaultAction: 'SCMP_ACT_NOTIFY', syscalls: [] })
      },
    })
    const { code, stderr } = await session.run(['run', session.id()])
    t.is(code, 1)
    t.regex(stderr, /never.*Disk quota exceeded/)
    await agent.finished
    t.regex(agent.stdout(), new RegExp(`^call ${EXECVE}$`, 'm'))
  },
)

behaviour('without an agent nothing runs', { runtimes: ours, unless }, async (t, session) => {
  session.bundle({ args: ['touch', '/ran'], edit: notifying(session, ['mkdir']) })
  const missing = /cannot connect to linux\.seccomp\.listenerPath .*\/agent: no such file or directory/
  const run = await session.run(['run', session.id()])
  t.is(run.code, 1)
  t.regex(run.message, missing)
  t.regex((await session.run(['state', session.id()])).message, /does not exist/)
  await session.ok(['create', session.id()])
  const start = await session.run(['start', session.id()])
  t.is(start.code, 1)
  t.regex(start.message, missing)
  await session.reaches('stopped')
  await session.ok(['delete', session.id()])
  t.is(session.shellSync('ls rootfs').includes('ran'), false)
})

behaviour('flags that only notifications have', { runtimes: ours, unless }, async (t, session) => {
  const agent = await startAgent(session)
  session.bundle({
    args: ['mkdir', '/tmp/never'],
    edit: (spec) => {
      notifying(session, ['mkdir', 'mkdirat'])(spec)
      const flags = ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC']
      Object.assign(spec.linux.seccomp ?? {}, { flags })
    },
  })
  t.regex((await session.run(['run', session.id()])).stderr, /never.*Disk quota exceeded/)
  await agent.finished
})
