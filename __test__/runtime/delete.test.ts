/** `delete`: a container goes, and all that is its. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { directoryOf } from '../harness/cgroups.js'
import { isAlive } from '../harness/machine.js'
import { everyone, likeRunc, noV1 } from '../harness/runtime.js'
import { until } from '../harness/until.js'

behaviour('delete removes a stopped container', { runtimes: everyone }, async (t, session) => {
  session.bundle()
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  t.is(await session.ok(['delete', session.id()]), '')
  t.deepEqual(readdirSync(session.root), [])
})

behaviour('delete kills and removes a container that was only created', {}, async (t, session) => {
  session.bundle()
  await session.ok(['create', session.id()])
  const { pid } = await session.state()
  await session.ok(['delete', session.id()])
  t.false(isAlive(pid))
})

behaviour('delete refuses a running container, which goes on', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '-d', session.id()])
  const { code, message } = await session.run(['delete', session.id()])
  t.is(code, 1)
  if (session.runtime.name !== 'crun') t.regex(message, /cannot delete container .* that is not stopped: running/)
  t.is((await session.state()).status, 'running')
  await session.ok(['kill', session.id(), 'KILL'])
  await session.reaches('stopped')
  await session.ok(['delete', session.id()])
})

for (const option of ['--force', '-f']) {
  behaviour(`delete ${option} kills and removes a running container`, { runtimes: everyone }, async (t, session) => {
    session.bundle({ args: ['sh', '-c', "trap '' TERM; sleep 60 & while :; do sleep 1; done"] })
    await session.ok(['run', '-d', session.id()])
    const { pid } = await session.state()
    t.is(await session.ok(['delete', option, session.id()]), '')
    t.false(isAlive(pid))
  })
}

behaviour(
  "delete --force kills all processes of a container that shares the host's pid namespace",
  {},
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'sleep 61 & sleep 62 & wait'],
      edit: (spec) => (spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid')),
    })
    await session.ok(['run', '-d', session.id()])
    await session.ok(['delete', '--force', session.id()])
    t.false(existsSync(`${session.root}/${session.id()}`))
  },
)

behaviour('delete of an unknown container says that it does not exist', {}, async (t, session) => {
  const { code, stdout, message } = await session.run(['delete', session.id()])
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(message, /does not exist/)
})

behaviour('delete --force of an unknown container is done already', { runtimes: everyone }, async (t, session) => {
  t.is(await session.ok(['delete', '--force', session.id()]), '')
})

behaviour('delete removes a directory that has no record', { runtimes: likeRunc }, async (t, session) => {
  // Left by a runtime that was killed at the wrong moment.
  for (const [id, option, code] of [
    [session.id('plain'), [], 1],
    [session.id('force'), ['--force'], 0],
  ] as const) {
    mkdirSync(`${session.root}/${id}`, { recursive: true })
    t.is((await session.run(['delete', ...option, id])).code, code)
    t.false(existsSync(`${session.root}/${id}`))
  }
})

behaviour('delete removes the cgroups that the container made below its own', {}, async (t, session) => {
  const hierarchy = noV1 === undefined ? 'pids' : ''
  session.bundle({
    args: ['sh', '-c', `mkdir -p /sys/fs/cgroup/${hierarchy}/inner/most; sleep 60`],
    edit: (spec) => {
      spec.linux.namespaces.push({ type: 'cgroup' })
      spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] })
    },
  })
  await session.ok(['run', '-d', session.id()])
  const made = await until('they are there', () => {
    const own = directoryOf(session, hierarchy)
    return existsSync(`${own}/inner/most`) && own
  })
  await session.ok(['delete', '--force', session.id()])
  t.false(existsSync(made))
})

behaviour('a container that was deleted can be made anew', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  for (const round of [1, 2, 3]) {
    await session.ok(['run', '-d', session.id()])
    t.is((await session.state()).status, 'running', `round ${round}`)
    await session.ok(['delete', '-f', session.id()])
  }
})
