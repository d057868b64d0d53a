/** `ps`: a container's processes, as host pids and as lines of the host's ps(1). */
import { behaviour } from '../harness/behaviour.js'
import { likeRunc, which } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { until } from '../harness/until.js'

const noPs = which('ps') === undefined ? 'ps is not installed' : undefined

/** A container of three processes. Gives their pids. */
async function three(session: Session): Promise<number[]> {
  session.bundle({ args: ['sh', '-c', 'sleep 61 & sleep 62 & wait'] })
  await session.ok(['run', '-d', session.id()])
  return until('there are three', async () => {
    const pids = JSON.parse(await session.ok(['ps', '--format', 'json', session.id()]))
    return pids.length === 3 && pids
  })
}

for (const view of ['v1', 'v2'] as const) {
  behaviour(`on ${view} ps --format json prints host pids`, { view }, async (t, session) => {
    const pids = await three(session)
    const { pid } = await session.state()
    t.true(pids.includes(pid))
    for (const one of pids) {
      t.regex((await session.shell(`cat /proc/${one}/cmdline | tr '\\0' ' '`)).stdout, /^sleep 6[12] $|^sh -c sleep 61/)
    }
    t.regex(await session.ok(['ps', '-f', 'json', session.id()]), /^\[\d+,\d+,\d+\]\n$/)
    await session.ok(['delete', '--force', session.id()])
  })
}

behaviour('ps prints the lines of the host’s ps about them', { unless: noPs }, async (t, session) => {
  const pids = await three(session)
  const [title = '', ...lines] = (await session.ok(['ps', session.id()])).trimEnd().split('\n')
  t.deepEqual(title.trim().split(/\s+/), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'])
  t.deepEqual(new Set(lines.map((line) => Number(line.trim().split(/\s+/)[1]))), new Set(pids))
  // Words after the id are options of ps; go-runc sends them as one.
  const columns = await session.ok(['ps', session.id(), '-o', 'ppid,pid,args', '-e'])
  t.regex(columns, /^ *PPID +PID COMMAND\n/)
  t.is(columns.trimEnd().split('\n').length, 4)
  t.regex(await session.ok(['ps', '--format', 'table', session.id(), '-efj']), /^UID +PID +PPID +PGID/)
  await session.ok(['delete', '--force', session.id()])
})

behaviour('ps says what is wrong with its options', { unless: noPs }, async (t, session) => {
  await three(session)
  for (const [words, message] of [
    [[session.id(), '-o', 'args'], /couldn't find PID field in ps output/],
    [[session.id(), '--nonsense'], /unknown gnu long option/],
    [['--format', 'xml', session.id()], /invalid format option/],
  ] as const) {
    const result = await session.run(['ps', ...words])
    t.is(result.code, 1)
    t.regex(result.message, message)
  }
  await session.ok(['delete', '--force', session.id()])
})

behaviour('of a stopped container ps prints no process', { runtimes: likeRunc, unless: noPs }, async (t, session) => {
  session.bundle({ args: ['true'] })
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  t.is(await session.ok(['ps', '--format', 'json', session.id()]), 'null\n')
  t.regex(await session.ok(['ps', session.id()]), /^UID +PID .*\n$/)
  await session.ok(['delete', session.id()])
})
