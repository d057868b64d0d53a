/** `pause` and `resume`, and what other commands make of a paused container. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { markedCgroups } from '../harness/machine.js'
import { everyone, ours } from '../harness/runtime.js'
import { until } from '../harness/until.js'

const ticking = ['sh', '-c', 'echo ready; while :; do echo tick; sleep 0.01; done']

for (const view of ['v1', 'v2'] as const) {
  const on = { view, runtimes: everyone.filter((name) => view === 'v2' || name !== 'crun') }

  behaviour(`on ${view} a paused container stands still until it is resumed`, on, async (t, session) => {
    session.bundle({ args: ticking })
    const run = session.spawn(['run', session.id()])
    await until('it ticks', () => run.stdout().includes('tick'))
    t.is(await session.ok(['pause', session.id()]), '')
    t.is((await session.state()).status, 'paused')
    // Nothing of it runs any more: what it has written by now is all there is.
    const { pid } = await session.state()
    const times = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join(' ')
    const [ticks, used] = [run.stdout().length, times()]
    await session.shell('sleep 0.2')
    t.is(run.stdout().length, ticks)
    t.is(times(), used)
    t.is(await session.ok(['resume', session.id()]), '')
    t.is((await session.state()).status, 'running')
    await until('it ticks again', () => run.stdout().length > ticks)
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await run.finished).code, 137)
  })

  behaviour(`on ${view} a created container is paused, and created again afterwards`, { view }, async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['create', session.id()])
    await session.ok(['pause', session.id()])
    t.is((await session.state()).status, 'paused')
    t.is((await session.run(['start', session.id()])).code, 1)
    await session.ok(['resume', session.id()])
    t.is((await session.state()).status, 'created')
    await session.ok(['start', session.id()])
    t.is((await session.state()).status, 'running')
    await session.ok(['delete', '--force', session.id()])
  })

  behaviour(`on ${view} SIGKILL ends a paused container`, { view }, async (t, session) => {
    session.bundle({ args: ['sh', '-c', 'sleep 61 & sleep 62'] })
    await session.ok(['run', '-d', session.id()])
    await session.ok(['pause', session.id()])
    await session.ok(['kill', session.id(), 'KILL'])
    t.is((await session.reaches('stopped')).pid, 0)
    await session.ok(['delete', session.id()])
  })

  behaviour(`on ${view} a signal to a paused container arrives when it is resumed`, { view }, async (t, session) => {
    session.bundle({ args: ['sh', '-c', 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.01; done'] })
    const run = session.spawn(['run', session.id()])
    await until('it is ready', () => run.stdout() === 'ready\n')
    await session.ok(['pause', session.id()])
    await session.ok(['kill', session.id(), 'TERM'])
    t.is((await session.state()).status, 'paused')
    t.is(run.stdout(), 'ready\n')
    await session.ok(['resume', session.id()])
    t.is((await run.finished).code, 3)
    t.is(run.stdout(), 'ready\ngot it\n')
  })

  behaviour(`on ${view} a paused container is deleted only by force`, { view }, async (t, session) => {
    session.bundle({ args: ['sh', '-c', 'sleep 61 & sleep 62'] })
    await session.ok(['run', '-d', session.id()])
    await session.ok(['pause', session.id()])
    const { code, message } = await session.run(['delete', session.id()])
    t.is(code, 1)
    t.regex(message, /cannot delete container .* that is not stopped: paused/)
    await session.ok(['delete', '--force', session.id()])
    t.deepEqual(markedCgroups(session.mark), [])
  })
}

behaviour('pause and resume say when they can do nothing', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '-d', session.id()])
  const fails = async (command: string, message: RegExp): Promise<void> => {
    const result = await session.run([command, session.id()])
    t.is(result.code, 1)
    t.regex(result.message, message)
  }
  await fails('resume', /container not paused/)
  await session.ok(['pause', session.id()])
  await fails('pause', /container not running/)
  await session.ok(['resume', session.id()])
  await session.ok(['kill', session.id(), 'KILL'])
  await session.reaches('stopped')
  await fails('pause', /container not running/)
  await fails('resume', /container not paused/)
  await session.ok(['delete', session.id()])
  await fails('pause', /does not exist/)
  await fails('resume', /does not exist/)
})

behaviour('a container without a cgroup can’t be paused, and says so', { runtimes: ours }, async (t, session) => {
  const none = 'umount -R /sys/fs/cgroup; exec "$@"'
  session.through = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', none, 'sh']
  session.bundle({ args: ['sleep', '60'] })
  // No driver has a cgroup to make here.
  await session.ok(['run', '-d', session.id()], { global: ['--root', session.root] })
  const { code, message } = await session.run(['pause', session.id()])
  t.is(code, 1)
  t.regex(message, /freeze without a cgroup: operation not supported/)
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force', session.id()])
})
