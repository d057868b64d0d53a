/**
 * SIGKILL of `create`, `run` and `delete` at 200 moments each: `delete --force` then leaves no process, cgroup, mount, record or
 * file. runc 1.1 leaves a cgroup after one in four kills of `create`.
 *
 * The moments are spread over one and a half times what the command takes; the last ones come too late, and show that the
 * oracle finds nothing where nothing is left.
 */
import { readdirSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { behaviour } from '../harness/behaviour.js'
import { allPids, attempt, describeProcess, markedCgroups, markedProcesses, mounts } from '../harness/machine.js'
import type { Session } from '../harness/session.js'
import { until } from '../harness/until.js'

const moments = 200

/** Returns after that many milliseconds, to the microsecond: no timer is that exact. */
function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** How long the command takes, in milliseconds: the median of a few runs. */
async function duration(session: Session, argv: readonly string[], prepare: () => Promise<unknown>): Promise<number> {
  const durations: number[] = []
  for (let round = 0; round < 9; round++) {
    await prepare()
    const start = performance.now()
    await session.run(argv)
    durations.push(performance.now() - start)
    await session.ok(['delete', '--force', session.id()])
  }
  return durations.sort((a, b) => a - b)[4] ?? 0
}

async function sweep(
  t: ExecutionContext,
  session: Session,
  argv: readonly string[],
  prepare: () => Promise<unknown>,
): Promise<void> {
  let takes = await duration(session, argv, prepare)
  const known = new Set(allPids())
  const hostMounts = mounts().length
  const files = session.shellSync('find . -path ./output -prune -o -print', session.dir)
  let early = 0
  for (let moment = 0; moment < moments; moment++) {
    await prepare()
    const command = session.spawn(argv)
    const delay = (1.5 * takes * moment) / moments
    spin(delay)
    command.child.kill('SIGKILL')
    const killed = (await command.finished).code === 137
    if (killed) early++
    // What else the machine does may begin or end meanwhile.
    if (killed === delay > takes) takes = (takes + delay) / 2

    const { code, stderr } = await session.run(['delete', '--force', session.id()])
    const left = (): string[] => [
      ...markedProcesses(session.mark, known).map(describeProcess),
      ...markedCgroups(session.mark),
      ...(attempt(() => readdirSync(session.root)) ?? []).map((name) => `record ${name}`),
      ...(mounts().length === hostMounts ? [] : ['a mount']),
    ]
    // A process that was told to die needs a moment for it.
    await until('nothing is left', () => left().length === 0, 3000).catch(() => undefined)
    t.deepEqual(
      { code, stderr, left: left() },
      { code: 0, stderr: '', left: [] },
      `killed after ${delay.toFixed(2)} ms`,
    )
  }
  t.is(session.shellSync('find . -path ./output -prune -o -print', session.dir), files)
  t.true(early >= moments / 4, `only ${early} kills came in time`)
}

for (const view of [undefined, 'v2'] as const) {
  const where = view === undefined ? '' : ' on v2'
  behaviour(
    `create may be killed at any moment${where}`,
    { runtimes: ['gantry'], ...(view && { view }) },
    async (t, session) => {
      session.bundle()
      await sweep(t, session, ['create', session.id()], async () => undefined)
    },
  )

  behaviour(
    `run may be killed at any moment${where}`,
    { runtimes: ['gantry'], ...(view && { view }) },
    async (t, session) => {
      session.bundle({ args: ['sleep', '0.01'] })
      await sweep(t, session, ['run', session.id()], async () => undefined)
    },
  )

  behaviour(
    `delete may be killed at any moment${where}`,
    { runtimes: ['gantry'], ...(view && { view }) },
    async (t, session) => {
      session.bundle({ args: ['sleep', '60'] })
      await sweep(t, session, ['delete', '--force', session.id()], () => session.ok(['run', '-d', session.id()]))
    },
  )
}
