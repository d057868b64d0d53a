/** Records that are torn, empty, of the future or not there: `list` goes on, `state` is an error, `delete --force` clears them. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { ours } from '../harness/runtime.js'

/** What happens to the record. */
const damages: [what: string, damage: (file: string) => void][] = [
  ['an empty record', (file) => truncateSync(file, 0)],
  [
    'a record torn in the middle',
    (file) => writeFileSync(file, readFileSync(file).subarray(0, readFileSync(file).length / 2)),
  ],
  ['a record without its last byte', (file) => writeFileSync(file, readFileSync(file).subarray(0, -1))],
  [
    'a record of a future version',
    (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(/"version":\d+/, '"version":999')),
  ],
  ['a record of zeros', (file) => writeFileSync(file, Buffer.alloc(readFileSync(file).length))],
  ['a record that is other JSON', (file) => writeFileSync(file, '[1, 2, 3]')],
]

for (const [what, damage] of damages) {
  for (const status of ['stopped', 'running', 'created']) {
    behaviour(`${what} of a ${status} container`, { runtimes: ours }, async (t, session) => {
      session.bundle({ args: [status === 'stopped' ? 'true' : 'sleep', '60'] })
      await session.ok(status === 'created' ? ['create', session.id('a')] : ['run', '-d', session.id('a')])
      await session.ok(['create', session.id('b')])
      if (status === 'stopped') await session.reaches('stopped', session.id('a'))
      damage(session.shellSync(`find ${session.root}/${session.id('a')} -name record.json`).trim())

      const list = await session.run(['list', '--quiet'])
      t.is(list.code, 0)
      t.true(list.stdout.split('\n').includes(session.id('b')))
      const table = await session.run(['list', '--format', 'json'])
      t.is(table.code, 0)
      t.deepEqual(
        JSON.parse(table.stdout).map(({ id }: { id: string }) => id),
        [session.id('b')],
      )
      t.true(table.stderr.includes(session.id('a')), 'the damaged one is told of')

      for (const argv of [['state'], ['start'], ['kill']]) {
        const { code, stdout, stderr } = await session.run([...argv, session.id('a')])
        t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, argv[0])
        t.true(stderr.includes(session.id('a')), stderr)
      }
      t.is((await session.run(['create', session.id('a')])).code, 1)
      await session.ok(['delete', '--force', session.id('a')])
      await session.ok(['delete', '--force', session.id('b')])
      t.deepEqual(readdirSync(session.root), [])
    })
  }
}

behaviour(
  'things in the root directory that are no containers do not disturb list',
  { runtimes: ours },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['create', session.id()])
    writeFileSync(`${session.root}/file`, '')
    symlinkSync(session.canary, `${session.root}/link`)
    mkdirSync(`${session.root}/empty`)
    const { code, stdout } = await session.run(['list', '--quiet'])
    t.is(code, 0)
    t.true(stdout.split('\n').includes(session.id()))
    // A link leads nowhere, least of all out of the root.
    await session.run(['delete', '--force', 'link'])
    t.is(session.shellSync(`ls ${session.canary}`), 'perch\nsings\n')
    session.shellSync(`rm -rf ${session.root}/file ${session.root}/link ${session.root}/empty`)
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour('a process that got the pid of a dead init is never touched', { runtimes: ours }, async (t, session) => {
  session.bundle()
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  const other = session.start(['sleep', '60'])
  const file = session.shellSync(`find ${session.root}/${session.id()} -name record.json`).trim()
  // The start time in the record tells the two apart.
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"pid":\d+/, `"pid":${other.pid}`))
  t.regex(readFileSync(file, 'utf8'), new RegExp(`"pid":${other.pid}`))
  t.is((await session.state()).status, 'stopped')
  t.is((await session.run(['kill', session.id(), 'KILL'])).code, 1)
  await session.ok(['delete', '--force', session.id()])
  t.is(other.child.exitCode, null)
  t.is(other.child.signalCode, null)
})
