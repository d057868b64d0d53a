/**
 * The built package beside the command line: a container is the same whoever made it. What the API does by itself is
 * tested in ../api.
 */
import test from 'ava'
import { behaviour } from '../harness/behaviour.js'
import { markedCgroups } from '../harness/machine.js'
import { repository } from '../harness/package.js'
import { ours } from '../harness/runtime.js'
import { slowness } from '../harness/until.js'

/** The package as `npm run build` leaves it. */
async function load(): Promise<typeof import('../../src/index.js')> {
  return await import(`${repository}dist/index.js`)
}

// What the first launch keeps, the helper's program in memory, is no leftover.
test.before(async () => {
  if (process.geteuid?.() === 0) await (await load()).run(['true'])
})

behaviour(
  'a container of the command line can be opened, listed, killed and removed by a program',
  { runtimes: ours },
  async (t, session) => {
    const gantry = await load()
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['create', session.id()])
    const { root } = session
    t.deepEqual(
      (await gantry.list({ root })).map(({ id }) => id),
      [session.id()],
    )
    const container = await gantry.open(session.id(), { root })
    t.deepEqual({ ...(await container.state()) }, { ...(await session.state()) })
    await container.start()
    t.is((await session.state()).status, 'running')
    await container.kill('SIGKILL')
    await container.wait()
    t.is((await session.state()).status, 'stopped')
    await container.destroy()
    t.regex((await session.run(['state', session.id()])).stderr, /does not exist/)
  },
)

behaviour(
  'a container of a program can be seen, started and removed by the command line',
  { runtimes: ours },
  async (t, session) => {
    const gantry = await load()
    const bundle = session.bundle({ args: ['echo', 'hello'] })
    const container = await gantry.create(bundle, { root: session.root, id: session.id() })
    t.like(await session.state(), { id: session.id(), pid: container.pid, status: 'created', bundle })
    await session.ok(['start', session.id()])
    t.like(await container.wait(), { stdout: 'hello\n', exitCode: 0, signal: null })
    await session.ok(['delete', session.id()])
    await container.destroy()
  },
)

behaviour(
  'of five hundred containers of one program nothing is left, no descriptor either',
  { runtimes: ['node'] },
  async (t, session) => {
    const gantry = await load()
    const bundle = session.bundle({ args: ['true'], edit: (spec) => (spec.linux.resources = { pids: { limit: 5 } }) })
    const { root } = session
    // Some at a time, as a program has them: each end is to be seen among those of others.
    const rounds = Math.ceil(50 / slowness)
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, number) => {
          const container = await gantry.create(bundle, { root, id: session.id(`${round}-${number}`) })
          await container.start()
          t.is((await container.wait()).exitCode, 0)
          await container.destroy()
        }),
      )
    }
    t.deepEqual(markedCgroups(session.mark), [])
  },
)
