/** What crun has and runc has not: --config, --regex, and what annotations ask for. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { helper, noPython } from '../harness/python.js'
import { ours, type RuntimeName } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { until } from '../harness/until.js'

const likeCrun: readonly RuntimeName[] = [...ours, 'crun']

behaviour(
  '--config names another file than the config.json of the bundle',
  { runtimes: likeCrun },
  async (t, session) => {
    session.bundle({ args: ['echo', 'from elsewhere'] })
    const file = session.path('other.json')
    copyFileSync(`${session.cwd}/config.json`, file)
    writeFileSync(`${session.cwd}/config.json`, 'not JSON')
    t.is(await session.ok(['run', '--config', file, session.id()]), 'from elsewhere\n')
    t.is(await session.ok(['run', '-f', '../other.json', session.id()]), 'from elsewhere\n')
    const { code, stderr } = await session.run(['run', '--config', '/no/such/file', session.id()])
    t.is(code, 1)
    t.regex(stderr, /\/no\/such\/file|No such file/)
    rmSync(file)
  },
)

async function three(session: Session): Promise<string[]> {
  session.bundle({ args: ['sleep', '100'] })
  const ids = ['a1', 'a2', 'b1'].map((name) => session.id(name))
  for (const id of ids) await session.ok(['run', '--detach', id])
  return ids
}

const statusOf = async (session: Session, id: string): Promise<string> => (await session.state(id)).status

behaviour(
  'kill --regex signals each container that the pattern matches',
  { runtimes: likeCrun },
  async (t, session) => {
    const [a1 = '', a2 = '', b1 = ''] = await three(session)
    await session.ok(['kill', '--regex', `${session.mark}-a.*`, 'KILL'])
    for (const id of [a1, a2]) await session.reaches('stopped', id)
    t.is(await statusOf(session, b1), 'running')
    await session.ok(['delete', '--force', '--regex', session.mark])
  },
)

behaviour('delete --regex deletes each, and goes on after an error', { runtimes: ours }, async (t, session) => {
  const [a1 = '', a2 = '', b1 = ''] = await three(session)
  await session.ok(['kill', a2, 'KILL'])
  await session.reaches('stopped', a2)
  const { code, stderr } = await session.run(['delete', '--regex', 'a[12]$'])
  t.is(code, 1)
  t.regex(stderr, new RegExp(`cannot delete container ${a1} that is not stopped`))
  t.is((await session.run(['state', a2])).code, 1)
  t.is(await session.ok(['delete', '--regex', 'no such thing']), '')
  await session.ok(['delete', '--force', '-r', '.'])
  t.is((await session.run(['state', b1])).code, 1)
})

behaviour('a pattern that is none is an error', { runtimes: ours }, async (t, session) => {
  const { code, stderr } = await session.run(['kill', '--regex', '('])
  t.is(code, 1)
  t.regex(stderr, /invalid regular expression "\("/)
})

behaviour(
  'run.oci.keep_original_groups keeps the supplementary groups of the caller',
  { runtimes: likeCrun },
  async (t, session) => {
    session.bundle({
      args: ['grep', 'Groups', '/proc/self/status'],
      edit: (spec) => {
        spec.annotations = { 'run.oci.keep_original_groups': '1' }
      },
    })
    const through = ['setpriv', '--groups', '5000,5001', ...session.through]
    t.regex(await session.ok(['run', session.id()], { through }), /Groups:\s*5000 5001 *\n/)
  },
)

for (const [title, options, edit] of [
  ['--pidfd-socket', (path: string) => ['--pidfd-socket', path], () => ({})],
  ['run.oci.pidfd_receiver', () => [], (path: string) => ({ 'run.oci.pidfd_receiver': path })],
] as const) {
  behaviour(`${title} gets a pidfd of init`, { runtimes: ours, unless: noPython }, async (t, session) => {
    const path = session.path('socket')
    session.bundle({
      args: ['sleep', '100'],
      edit: (spec) => {
        spec.annotations = edit(path)
      },
    })
    const receiver = session.start(helper('pidfd', path))
    await until('it listens', () => receiver.stdout() === 'ready\n')
    await session.ok(['run', '--detach', ...options(path), session.id()])
    await receiver.finished
    t.is(receiver.stdout(), `ready\npid ${(await session.state()).pid}\n`)
    await session.ok(['delete', '--force', session.id()])
  })
}
