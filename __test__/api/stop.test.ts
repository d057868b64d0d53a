/** `run` that is ended before its time: all of the container goes, and the error has what there was. */
import { GantryError, RunError, run } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

/** A program that does not go by itself, nor by SIGTERM, and whose children have the streams. */
const stubborn = ['sh', '-c', 'trap "" TERM INT; echo begun; (setsid sleep 60 &) ; sleep 60; sleep 60']

apiTest('timeout kills everything and rejects with what there was', async (t, { root }) => {
  const error = await t.throwsAsync(run(stubborn, { root, timeout: 300 }), {
    instanceOf: RunError,
    code: 'ERR_TIMEOUT',
  })
  t.true(error instanceof GantryError)
  t.is(error?.message, 'sh did not end in time')
  t.like(error?.result, { exitCode: null, signal: 'SIGKILL', stdout: 'begun\n', timedOut: true, ok: false })
  t.true((error?.result.durationMs ?? 0) >= 299)
})

apiTest('abort does the same, and gives the reason', async (t, { root }) => {
  const controller = new AbortController()
  const reason = new Error('enough')
  setTimeout(() => controller.abort(reason), 200)
  const running = run(stubborn, { root, signal: controller.signal })
  const error = await t.throwsAsync(running, { instanceOf: RunError, code: 'ERR_ABORTED' })
  t.is(error?.cause, reason)
  t.like(error?.result, { signal: 'SIGKILL', stdout: 'begun\n', timedOut: false })
})

apiTest('nothing begins with a signal that is aborted already', async (t, { root }) => {
  const running = run(['true'], { root, signal: AbortSignal.abort() })
  await t.throwsAsync(running, { instanceOf: RunError, code: 'ERR_ABORTED' })
})

apiTest('a timeout or an abort in the middle of the launch leaves nothing', async (t, { root }) => {
  for (let milliseconds = 0; milliseconds < 10; milliseconds++) {
    const signal = AbortSignal.timeout(milliseconds)
    await t.throwsAsync(run(['sleep', '60'], { root, signal }), { code: 'ERR_ABORTED' })
    await t.throwsAsync(run(['sleep', '60'], { root, timeout: milliseconds + 0.5 }), { code: 'ERR_TIMEOUT' })
  }
})

apiTest('a timeout that is not reached is none, and keeps nothing waiting', async (t, { root }) => {
  const began = performance.now()
  t.true((await run(['true'], { root, timeout: 60_000, signal: new AbortController().signal })).ok)
  t.true(performance.now() - began < 10_000)
})

apiTest('check rejects what did not end well', async (t, { root }) => {
  const failing = run(['sh', '-c', 'echo out; exit 3'], { root, check: true })
  const error = await t.throwsAsync(failing, { instanceOf: RunError, code: 'ERR_EXIT', message: 'sh exited with 3' })
  t.like(error?.result, { exitCode: 3, stdout: 'out\n' })
  t.true((await run(['true'], { root, check: true })).ok)
})
