/** Sandboxes for many programs, and programs in containers. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { create, list, open, RunError, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { isAlive } from '../harness/machine.js'
import { until } from '../harness/until.js'

apiTest('a sandbox runs one program after the other, and at the same time', async (t, { root }) => {
  await using box = await sandbox({ root, env: { A: '1' }, cwd: '/tmp' })
  t.is((await list({ root })).length, 1)
  const first = await box.exec(['sh', '-c', 'echo $A $B > kept; pwd; exit 3'], { env: { B: '2' } })
  t.like(first, { exitCode: 3, stdout: '/tmp\n' })
  t.is((await box.exec(['cat', 'kept'])).stdout, '1 2\n')
  t.deepEqual((await box.exec(['cat'], { input: 'abc', encoding: 'buffer' })).stdout, Buffer.from('abc'))
  const all = await Promise.all(Array.from({ length: 20 }, (_, index) => box.exec(['echo', `${index}`])))
  t.deepEqual(
    all.map(({ stdout }) => stdout),
    Array.from({ length: 20 }, (_, index) => `${index}\n`),
  )
})

apiTest('orphans of a sandbox vanish when they end', async (t, { root }) => {
  await using box = await sandbox({ root, limits: { pids: 20 } })
  for (let round = 0; round < 30; round++) await box.exec(['sh', '-c', '(setsid true &)'])
  await until('all are gone', async () => (await box.ps()).length === 1)
  t.is((await box.exec(['sh', '-c', 'ls -d /proc/[0-9]* | wc -l'], {})).exitCode, 0)
})

apiTest('what is executed can be stopped, with all that it started', async (t, { root }) => {
  await using box = await sandbox({ root })
  const script = 'sleep 61 & (sleep 62 & sleep 63) & sh -c "setsid sleep 64 & wait" & echo begun; wait'
  const error = await t.throwsAsync(box.exec(['sh', '-c', script], { timeout: 500 }), {
    instanceOf: RunError,
    code: 'ERR_TIMEOUT',
  })
  t.like(error?.result, { stdout: 'begun\n', signal: 'SIGKILL', timedOut: true })
  await until('all are gone', async () => (await box.ps()).filter(isAlive).length === 1)
  const controller = new AbortController()
  const waiting = box.exec(['sleep', '60'], { signal: controller.signal })
  await waiting.started
  t.true(isAlive(waiting.pid ?? 0))
  controller.abort()
  await t.throwsAsync(Promise.resolve(waiting), { code: 'ERR_ABORTED' })
  t.false(isAlive(waiting.pid ?? 0))
  const killed = box.exec(['sleep', '60'])
  t.true(await killed.kill('SIGINT'))
  t.is((await killed).signal, 'SIGINT')
  t.false(await killed.kill())
  t.is((await box.exec(['echo', 'still here'])).stdout, 'still here\n')
})

apiTest('destroy ends what is being executed', async (t, { root }) => {
  const box = await sandbox({ root })
  const running = box.exec(['sh', '-c', 'echo begun; sleep 60'])
  await once(running, 'spawn')
  await box.destroy()
  t.is((await running).signal, 'SIGKILL')
  await t.throwsAsync(Promise.resolve(box.exec(['true'])), { code: 'ERR_NOT_FOUND' })
})

apiTest('a program in a sandbox can have a terminal', async (t, { root }) => {
  await using box = await sandbox({ root })
  for (let round = 0; round < 10; round++) {
    const proc = box.exec(['sh', '-c', 'stty size; seq 1 1000; printf last'], { tty: { columns: 90, rows: 20 } })
    let shown = ''
    for await (const chunk of proc.pty ?? []) shown += chunk
    t.true(shown.startsWith('20 90\r\n1\r\n') && shown.endsWith('1000\r\nlast'), shown)
    t.is((await proc).exitCode, 0)
  }
})

apiTest('a program is executed in any container, as somebody else too', async (t, { root, id, bundle }) => {
  await using container = await create(bundle(['sleep', '60']), { root, id })
  await container.start()
  for (const one of [container, await open(id, { root })]) {
    t.is((await one.exec(['id', '-u'], { user: { uid: 7, gid: 8, groups: [9] }, cwd: '/' })).stdout, '7\n')
    await t.throwsAsync(Promise.resolve(one.exec(['no-such-program'])), { code: 'ERR_EXEC_NOT_FOUND' })
    await t.throwsAsync(Promise.resolve(one.exec(['false'], { check: true })), { code: 'ERR_EXIT' })
  }
  await container.pause()
  await t.throwsAsync(Promise.resolve(container.exec(['true'])), { code: 'ERR_PAUSED' })
  await container.resume()
})

apiTest('a sandbox has what it was asked for', async (t, { root }) => {
  await using box = await sandbox({
    root,
    hostname: 'box',
    limits: { memory: 64 << 20, pids: Number.POSITIVE_INFINITY },
    user: 1000,
    spec: (spec) => ({ ...spec, annotations: { made: 'here' } }),
  })
  t.is((await box.exec(['hostname'])).stdout, 'box\n')
  t.is((await box.exec(['id', '-u'])).stdout, '1000\n')
  t.deepEqual((await box.state()).annotations, { made: 'here' })
  const pid = (await box.state()).pid
  // Its ids are nobody's here.
  const [, first = '0'] = /\s*0\s+(\d+)/.exec(readFileSync(`/proc/${pid}/uid_map`, 'utf8')) ?? []
  t.true(Number(first) >= 524_288)
  await box.update({ pids: { limit: 3 } })
  t.not((await box.exec(['sh', '-c', 'for i in 1 2 3 4 5; do sleep 1 & done; wait'])).exitCode, 0)
})
