/** `state`: a container as a document. */
import { behaviour } from '../harness/behaviour.js'
import { isAlive } from '../harness/machine.js'
import { helper, noPython } from '../harness/python.js'
import { everyone } from '../harness/runtime.js'
import { until } from '../harness/until.js'

behaviour('state prints the document that callers of runc parse, and nothing else', {}, async (t, session) => {
  const bundle = session.bundle({
    args: ['sleep', '60'],
    edit: (spec) => (spec.annotations = { 'org.example.colour': 'blue' }),
  })
  await session.ok(['create', session.id()])
  const { code, stdout, stderr } = await session.run(['state', session.id()])
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const state = JSON.parse(stdout)
  const { pid, created, ...rest } = state
  t.deepEqual(rest, {
    ociVersion: session.runtime.name === 'runc' ? '1.0.2-dev' : '1.0.2',
    id: session.id(),
    status: 'created',
    bundle,
    rootfs: `${bundle}/rootfs`,
    annotations: { 'org.example.colour': 'blue' },
    owner: '',
  })
  t.deepEqual(Object.keys(state), [
    'ociVersion',
    'id',
    'pid',
    'status',
    'bundle',
    'rootfs',
    'created',
    'annotations',
    'owner',
  ])
  t.is(stdout.trimEnd(), JSON.stringify(state, undefined, 2))
  t.true(isAlive(pid))
  t.regex(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  t.true(Math.abs(Date.now() - Date.parse(created)) < 60_000)
  await session.ok(['delete', '-f', session.id()])
})

behaviour('annotations are left out where there are none', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id()])
  t.false('annotations' in (await session.state()))
  await session.ok(['delete', '-f', session.id()])
})

behaviour(
  'a container is created, running and stopped, and has a pid until it stops',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    const statuses: string[] = []
    await session.ok(['create', session.id()])
    statuses.push((await session.state()).status)
    await session.ok(['start', session.id()])
    statuses.push((await session.state()).status)
    t.true(isAlive((await session.state()).pid))
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await session.reaches('stopped')).pid, 0)
    t.deepEqual(statuses, ['created', 'running'])
    await session.ok(['delete', session.id()])
  },
)

behaviour(
  'a container whose init is a zombie is stopped',
  { runtimes: everyone, unless: noPython },
  async (t, session) => {
    // CRI-O polls `state` before anybody has reaped the process.
    session.bundle({ args: ['true'] })
    const caller = session.start(
      helper('subreaper', '--keep-zombies', ...session.commandLine(['run', '-d', session.id()])),
      {
        env: session.runtime.env,
      },
    )
    await until('run has returned', () => caller.stdout().startsWith('command 0\n'))
    t.is((await session.reaches('stopped')).pid, 0)
    caller.child.kill('SIGKILL')
    await caller.finished
    await session.ok(['delete', session.id()])
  },
)

behaviour('state of an unknown container says that it does not exist', {}, async (t, session) => {
  const { code, stdout, message } = await session.run(['state', session.id()])
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(message, /does not exist/)
})

behaviour('state works with an environment that is all but empty', { runtimes: everyone }, async (t, session) => {
  // podman calls runtimes with XDG_RUNTIME_DIR only.
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id()])
  if (session.runtime.name === 'gantry' || session.runtime.name === 'runc') {
    const state = await session.start(['env', '-i', ...session.commandLine(['state', session.id()])]).finished
    t.is(JSON.parse(state.stdout).status, 'created')
  }
  t.is((await session.state()).status, 'created')
  await session.ok(['delete', '-f', session.id()])
})
