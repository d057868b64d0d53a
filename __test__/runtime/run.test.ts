/** `run`: create, start, wait and delete in one command. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { behaviour } from '../harness/behaviour.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import { until } from '../harness/until.js'

behaviour('run prints what its process prints', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'echo out; echo err >&2'] })
  t.like(await session.run(['run', session.id()]), { code: 0, stdout: 'out\n', stderr: 'err\n' })
})

behaviour('run exits with the status of its process', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'exit 37'] })
  t.is((await session.run(['run', session.id()])).code, 37)
})

behaviour(
  'run exits with 128 and the number of the signal that killed its process',
  { runtimes: everyone },
  async (t, session) => {
    // SIGKILL from inside a pid namespace does not reach its init: the kernel protects it. SIGSEGV on itself does not either.
    session.bundle({ args: ['sleep', '60'] })
    const run = session.spawn(['run', session.id()])
    await until('the container runs', async () =>
      (await session.run(['state', session.id()])).stdout.includes('"running"'),
    )
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await run.finished).code, 137)
  },
)

behaviour('run hands its standard input to the process', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['cat'] })
  t.is((await session.run(['run', session.id()], { input: 'by the river\n' })).stdout, 'by the river\n')
})

behaviour(
  'run takes the bundle from --bundle and from -b, in place of the current directory',
  {},
  async (t, session) => {
    const bundle = session.bundle({ args: ['echo', 'here'] })
    session.cwd = '/'
    t.is(await session.ok(['run', '--bundle', bundle, session.id()]), 'here\n')
    t.is(await session.ok(['run', `--bundle=${bundle}`, session.id()]), 'here\n')
    t.is(await session.ok(['run', '-b', bundle, session.id()]), 'here\n')
    t.not((await session.run(['run', session.id()])).code, 0)
  },
)

behaviour(
  'run --detach returns while the process runs, and the container stays',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    t.is(await session.ok(['run', '--detach', session.id()]), '')
    t.is((await session.state()).status, 'running')
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await session.reaches('stopped')).pid, 0)
    await session.ok(['delete', session.id()])
  },
)

behaviour('run -d is run --detach', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '-d', session.id()])
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force', session.id()])
})

behaviour('run in the foreground always removes the container', {}, async (t, session) => {
  session.bundle({ args: ['false'] })
  t.is((await session.run(['run', session.id()])).code, 1)
  const state = await session.run(['state', session.id()])
  t.is(state.code, 1)
  t.regex(state.message, /does not exist/)
})

behaviour(
  'run --keep leaves a stopped container, whose cgroup is there, for delete',
  { runtimes: ['gantry', 'node'] },
  async (t, session) => {
    session.bundle({ args: ['false'] })
    t.is((await session.run(['run', '--keep', session.id()])).code, 1)
    t.is((await session.state()).status, 'stopped')
    await session.ok(['delete', session.id()])
  },
)

for (const [name, number] of [
  ['SIGTERM', 15],
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGUSR1', 10],
] as const) {
  behaviour(`run forwards ${name} to the process`, { runtimes: everyone }, async (t, session) => {
    session.bundle({
      args: ['sh', '-c', `trap 'exit ${number}' ${name.slice(3)}; echo ready; while :; do sleep 0.1; done`],
    })
    const run = session.spawn(['run', session.id()])
    await until('the process is ready', () => run.stdout() === 'ready\n')
    // crun's test front is a shell's child only until it execs, so that its pid is the runtime's.
    run.child.kill(name)
    t.is((await run.finished).code, number)
  })
}

behaviour('a signal at any moment of a run leaves nothing half done', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sleep', '0.05'] })
  const began = performance.now()
  await session.ok(['run', session.id()])
  const whole = performance.now() - began
  for (let step = 0; step < 12; step += 1) {
    const run = session.spawn(['run', session.id()])
    await delay((whole * step) / 12)
    run.child.kill('SIGHUP')
    // It ends us before there is a container; passed on to a pid 1 that does not handle it, it does nothing: pid_namespaces(7).
    const { code, stderr } = await run.finished
    t.true(code === 129 || code === 0, `${step}: ${code} ${stderr}`)
    t.false(existsSync(`${session.root}/${session.id()}`), `${step}`)
  }
})

behaviour('a run that fails leaves nothing', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['no-such-program'] })
  const run = await session.run(['run', session.id()])
  t.is(run.code, 1)
  t.regex(run.message, /executable file .*not found in \$PATH/)
  t.false(existsSync(`${session.root}/${session.id()}`))
})

behaviour('the id can be used again after the container is gone', { runtimes: likeRunc }, async (t, session) => {
  session.bundle({ args: ['echo', 'again'] })
  t.is(await session.ok(['run', session.id()]), 'again\n')
  t.is(await session.ok(['run', session.id()]), 'again\n')
})
