/** Containers from bundles, as objects. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { create, GantryError, list, open } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { isAlive } from '../harness/machine.js'
import { until } from '../harness/until.js'

apiTest('a container is created, started, waited for and destroyed', async (t, { root, id, bundle }) => {
  const path = bundle(['sh', '-c', 'echo out; echo err >&2; exit 3'])
  const container = await create(path, { root, id })
  t.is(container.id, id)
  t.is(container.root, root)
  t.like(await container.state(), { id, pid: container.pid, status: 'created', bundle: path, rootfs: `${path}/rootfs` })
  await container.start()
  t.like(await container.wait(), { exitCode: 3, signal: null, stdout: 'out\n', stderr: 'err\n', ok: false })
  // As often as one likes.
  t.is((await container.wait()).exitCode, 3)
  t.like(await container.state(), { pid: 0, status: 'stopped' })
  await container.destroy()
  await container.destroy()
  await t.throwsAsync(container.state(), { instanceOf: GantryError, code: 'ERR_NOT_FOUND' })
})

apiTest('streams come as bytes when asked for, and input goes in', async (t, { root, id, bundle }) => {
  await using container = await create(bundle(['cat']), { root, id, input: 'abc', encoding: 'buffer' })
  await container.start()
  t.deepEqual((await container.wait()).stdout, Buffer.from('abc'))
})

apiTest('kill sends a signal by its name or number', async (t, { root, id, bundle }) => {
  const trap = ['sh', '-c', 'trap "echo caught; exit 7" TERM; echo ready >&2; while :; do sleep 0.02; done']
  for (const signal of [undefined, 'TERM', 'SIGTERM', 15]) {
    await using container = await create(bundle(trap), { root, id })
    await container.start()
    // Busybox' shell sets its trap before it is ready.
    await until(
      'the signal is handled',
      async () => readFileSync(`/proc/${container.pid}/status`, 'utf8').match(/SigCgt:.*4...$/m) !== null,
    )
    await container.kill(signal)
    t.like(await container.wait(), { exitCode: 7, stdout: 'caught\n' })
  }
  await using container = await create(bundle(['sleep', '60']), { root, id })
  await container.start()
  await container.kill('SIGKILL')
  t.like(await container.wait(), { exitCode: null, signal: 'SIGKILL', ok: false })
  await t.throwsAsync(container.kill(), { code: 'ERR_NOT_RUNNING' })
  await container.kill('SIGKILL', { all: true })
  await t.throwsAsync(container.kill('SIGNOTHING'), { code: 'ERR_INVALID_ARGUMENT' })
})

apiTest('destroy kills what runs, and whoever waits hears of it', async (t, { root, id, bundle }) => {
  const container = await create(bundle(['sh', '-c', 'echo begun; sleep 60 & sleep 60']), { root, id })
  await container.start()
  const waiting = container.wait()
  await until('it has begun', () => isAlive(container.pid))
  await container.destroy()
  t.false(isAlive(container.pid))
  t.is((await waiting).signal, 'SIGKILL')
})

apiTest('destroy removes one that was never started', async (t, { root, id, bundle }) => {
  const container = await create(bundle(['true']), { root, id })
  await container.destroy()
  t.is((await container.wait()).signal, 'SIGKILL')
})

apiTest('an id is unique, and random if not given', async (t, { root, id, bundle }) => {
  const path = bundle(['true'])
  await using first = await create(path, { root, id })
  await t.throwsAsync(create(path, { root, id }), { code: 'ERR_EXISTS' })
  await using other = await create(path, { root })
  t.not(other.id, first.id)
  for (const wrong of ['', '..', 'a/b'])
    await t.throwsAsync(create(path, { root, id: wrong }), { code: 'ERR_INVALID_ARGUMENT' })
})

apiTest('a container can be opened by its id', async (t, { root, id, bundle }) => {
  await using created = await create(bundle(['sleep', '60']), { root, id })
  const opened = await open(id, { root })
  t.is(opened.pid, created.pid)
  await opened.start()
  t.is((await created.state()).status, 'running')
  await t.throwsAsync(opened.start(), { code: 'ERR_START' })
  const waiting = opened.wait()
  await opened.kill('KILL')
  t.like(await waiting, { exitCode: null, signal: null, stdout: '' })
  await opened.destroy()
  await t.throwsAsync(open(id, { root }), { code: 'ERR_NOT_FOUND' })
})

apiTest('waiting can be aborted, and the container goes on', async (t, { root, id, bundle }) => {
  await using created = await create(bundle(['sleep', '60']), { root, id })
  await created.start()
  for (const container of [created, await open(id, { root })]) {
    const error = await t.throwsAsync(container.wait({ signal: AbortSignal.timeout(50) }), { code: 'ERR_ABORTED' })
    t.is((error?.cause instanceof Error && error.cause.name) || '', 'TimeoutError')
  }
  t.is((await created.state()).status, 'running')
})

apiTest('list tells of the containers of a root', async (t, { root, id, bundle }) => {
  const path = bundle(['true'])
  await using first = await create(path, { root, id })
  await using second = await create(path, { root, id: `${id}2` })
  await second.start()
  await second.wait()
  t.deepEqual(
    (await list({ root })).map((state) => [state.id, state.status, state.owner]),
    [
      [first.id, 'created', 'root'],
      [second.id, 'stopped', 'root'],
    ],
  )
  mkdirSync(`${root}/broken`)
  writeFileSync(`${root}/broken/state.json`, '{')
  const warnings: string[] = []
  t.is((await list({ root, onWarning: (text) => warnings.push(text) })).length, 2)
  t.is(warnings.length, 1)
  rmSync(`${root}/broken`, { recursive: true })
})

apiTest('a root that was asked for and is not there is an error', async (t, { dir }) => {
  await t.throwsAsync(list({ root: `${dir}/no-such` }), { code: 'ERR_NOT_FOUND' })
})

apiTest('what is wrong with a bundle is told, and nothing stays', async (t, { dir, root, id, bundle }) => {
  await t.throwsAsync(create(`${dir}/none`, { root, id }), { message: /config\.json/ })
  await t.throwsAsync(create(bundle(['true']), { root, id, tty: true }), { message: /process\.terminal/ })
  const wrong = bundle(['true'], (spec) => (spec.process.args = []))
  await t.throwsAsync(create(wrong, { root, id }), { code: 'ERR_INVALID_SPEC', message: /process\.args/ })
  const error = await t.throwsAsync(create(bundle(['nothing']), { root, id }), { code: 'ERR_EXEC_NOT_FOUND' })
  t.like(error, { step: 'find program', errno: 2, path: 'nothing' })
})

apiTest('a capability that can’t be granted is told of', async (t, { root, id, bundle }) => {
  const warnings: string[] = []
  const path = bundle(['true'], (spec) => spec.process.capabilities?.bounding?.push('CAP_NOTHING'))
  await using container = await create(path, { root, id, onWarning: (text) => warnings.push(text) })
  t.is(container.id, id)
  t.regex(warnings.join('\n'), /CAP_NOTHING/)
})

apiTest('a container is paused and resumed, and tells its processes', async (t, { root, id, bundle }) => {
  await using container = await create(bundle(['sh', '-c', 'sleep 61 & sleep 62; echo over']), { root, id })
  await t.throwsAsync(container.resume(), { code: 'ERR_NOT_PAUSED' })
  t.deepEqual(await container.ps(), [container.pid])
  await container.start()
  await until('there are three', async () => (await container.ps()).length === 3)
  await container.pause()
  t.is((await container.state()).status, 'paused')
  await t.throwsAsync(container.pause(), { code: 'ERR_NOT_RUNNING' })
  await container.resume()
  t.is((await container.state()).status, 'running')
  await container.kill('KILL')
  await container.wait()
  t.deepEqual(await container.ps(), [])
  await t.throwsAsync(container.pause(), { code: 'ERR_NOT_RUNNING' })
})
