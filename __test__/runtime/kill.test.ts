/** `kill`: signals by name and number, to one process or all. */
import { behaviour } from '../harness/behaviour.js'
import { everyone, ours } from '../harness/runtime.js'
import { until } from '../harness/until.js'

/** A process that says which signals it gets. */
const listener = [
  'sh',
  '-c',
  'for s in HUP INT USR1 USR2 TERM WINCH; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.05; done',
]

for (const form of ['SIGUSR1', 'USR1', 'usr1', '10']) {
  behaviour(`kill takes a signal as ${form}`, {}, async (t, session) => {
    session.bundle({ args: listener })
    const run = session.spawn(['run', session.id()])
    await until('it is ready', () => run.stdout() === 'ready\n')
    t.is(await session.ok(['kill', session.id(), form]), '')
    await until('it got the signal', () => run.stdout() === 'ready\nUSR1\n')
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await run.finished).code, 137)
  })
}

behaviour('kill sends SIGTERM when no signal is named', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: listener })
  const run = session.spawn(['run', session.id()])
  await until('it is ready', () => run.stdout() === 'ready\n')
  await session.ok(['kill', session.id()])
  await until('it got the signal', () => run.stdout() === 'ready\nTERM\n')
  await session.ok(['kill', session.id(), '9'])
  t.is((await run.finished).code, 137)
})

for (const form of ['SIGNOTHING', '0x9', '65', '-1', '9x']) {
  behaviour(`kill refuses the signal ${JSON.stringify(form)}`, {}, async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['run', '-d', session.id()])
    t.is((await session.run(['kill', '--', session.id(), form])).code, 1)
    t.is((await session.state()).status, 'running')
    await session.ok(['delete', '--force', session.id()])
  })
}

behaviour('a real-time signal is delivered', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'trap "echo got" 35; echo ready; while :; do sleep 0.05; done'] })
  const run = session.spawn(['run', session.id()])
  await until('it is ready', () => run.stdout() === 'ready\n')
  for (const form of ['SIGRTMIN+1', 'RTMIN+1', '35']) await session.ok(['kill', session.id(), form])
  await until('it got a signal', () => run.stdout().startsWith('ready\ngot\n'))
  await session.ok(['kill', session.id(), 'KILL'])
  t.is((await run.finished).code, 137)
})

behaviour('a created container can be killed, and is stopped then', { runtimes: everyone }, async (t, session) => {
  session.bundle()
  await session.ok(['create', session.id()])
  await session.ok(['kill', session.id(), 'KILL'])
  t.is((await session.reaches('stopped')).pid, 0)
  await session.ok(['delete', session.id()])
})

behaviour('kill of a stopped container says that it is not running', {}, async (t, session) => {
  // containerd and CRI-O look for these words.
  session.bundle()
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  const { code, message } = await session.run(['kill', session.id(), 'KILL'])
  t.is(code, 1)
  t.regex(message, /container not running/)
  await session.ok(['delete', session.id()])
})

behaviour('kill of an unknown container says that it does not exist', {}, async (t, session) => {
  const { code, message } = await session.run(['kill', session.id(), 'KILL'])
  t.is(code, 1)
  t.regex(message, /does not exist/)
})

for (const option of ['--all', '-a']) {
  behaviour(`kill ${option} reaches every process of the container`, {}, async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'sleep 61 & sleep 62 & echo ready; wait'],
      edit: (spec) => (spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid')),
    })
    const run = session.spawn(['run', '-d', session.id()])
    await until('it is ready', () => run.stdout() === 'ready\n')
    await session.ok(['kill', option, session.id(), 'KILL'])
    await session.reaches('stopped')
    t.is(
      (
        await session.shell(
          `cat /sys/fs/cgroup/*/${session.id()}/cgroup.procs /sys/fs/cgroup/*/*/${session.id()}/cgroup.procs`,
        )
      ).stdout,
      '',
    )
    await session.ok(['delete', session.id()])
  })
}

behaviour('kill --all after init exited succeeds and kills what init left', {}, async (t, session) => {
  // containerd's shim does so for containers that share a pid namespace.
  session.bundle({
    args: ['sh', '-c', 'sleep 60 & exit 0'],
    edit: (spec) => (spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid')),
  })
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  t.is((await session.run(['kill', '--all', session.id(), '9'])).code, 0)
  await session.ok(['delete', session.id()])
})
