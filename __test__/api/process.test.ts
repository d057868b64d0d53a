/** What the Node API does to the process that uses it: nothing. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { create, features, run, spec } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { openDescriptors } from '../harness/machine.js'
import { packageDirectory, repository } from '../harness/package.js'
import { plainEnv } from '../harness/runtime.js'
import { unprivileged } from '../harness/user.js'

const built = existsSync(`${repository}dist/index.js`)

apiTest('the event loop goes on while a container runs', async (t, { root, id, bundle }) => {
  let ticks = 0
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    ticks++
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 5)
  await run(['sleep', '0.5'], { root })
  await using container = await create(bundle(['sleep', '0.5']), { root, id })
  await container.start()
  await container.wait()
  clearInterval(timer)
  t.true(ticks > 50, `${ticks} ticks`)
  t.true(longest < 400, `blocked for ${longest} ms`)
})

apiTest('twenty run side by side, while Node’s own children do too', async (t, { root }) => {
  const child = spawn('sleep', ['0.2'])
  const began = performance.now()
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => run(['sh', '-c', `sleep 0.5; echo ${index}`], { root })),
  )
  t.deepEqual(
    results.map(({ stdout }) => stdout),
    Array.from({ length: 20 }, (_, index) => `${index}\n`),
  )
  t.true(performance.now() - began < 5000)
  if (child.exitCode === null) await once(child, 'exit')
  t.is(child.exitCode, 0)
})

apiTest('containers hold no descriptor of each other, nor of this process', async (t, { root }) => {
  const lists = await Promise.all(
    Array.from({ length: 10 }, () => run(['sh', '-c', 'sleep 0.1; ls /proc/$$/fd'], { root })),
  )
  // The shell’s own may be among them: dash opens none.
  for (const { stdout } of lists) t.deepEqual(stdout.split('\n').slice(0, 3), ['0', '1', '2'])
  for (const { stdout } of lists) t.is(stdout.trim().split('\n').length, 3)
})

apiTest('a hundred runs leave no descriptor', async (t, { root }) => {
  const before = openDescriptors().length
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 10 }, () => run(['echo'], { root, input: 'x' })))
  }
  t.is(openDescriptors().length, before)
})

apiTest('nothing about this process changes', async (t, { root }) => {
  const look = () => ({
    cwd: process.cwd(),
    umask: process.umask(),
    signals: readFileSync('/proc/self/status', 'utf8').match(/^Sig(Blk|Ign|Cgt).*$/gm),
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    environment: { ...process.env },
  })
  const before = look()
  await run(['true'], { root })
  t.deepEqual(look(), before)
  // An orphan of a container is not ours: nor could it be, without PR_SET_CHILD_SUBREAPER.
  const orphan = 'sh -c "sleep 0.3 & echo \\$!"'
  const child = spawn('sh', ['-c', orphan], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [pid] = await once(child.stdout, 'data')
  if (child.exitCode === null) await once(child, 'exit')
  t.notRegex(readFileSync(`/proc/${String(pid).trim()}/status`, 'utf8'), new RegExp(`^PPid:\t${process.pid}$`, 'm'))
})

apiTest('worker threads can run containers', async (t, { root }) => {
  if (!built) return t.fail('dist/index.js is not built')
  const workers = Array.from({ length: 3 }, (_, index) =>
    workerThatRuns(root, ['sh', '-c', `sleep 0.1; echo ${index}`]),
  )
  const exits = workers.map((worker) => once(worker, 'exit'))
  const messages = await Promise.all(workers.map((worker) => once(worker, 'message')))
  t.deepEqual(messages, [['0\n'], ['1\n'], ['2\n']])
  t.deepEqual(await Promise.all(exits), [[0], [0], [0]])
})

apiTest('a user without privileges can run a sandbox', async (t) => {
  if (!built) return t.fail('dist/index.js is not built')
  const script = `const { run } = await import('${packageDirectory}dist/index.js')
    process.stdout.write((await run(['sh', '-c', 'id -u; touch /etc/x; exit 4'], { cwd: '/', stderr: 'ignore' })).stdout)`
  const [program = '', ...words] = [...unprivileged.through, process.execPath, '--input-type=module', '-e', script]
  const { stdout, stderr } = await promisify(execFile)(program, words, { cwd: '/', env: plainEnv })
  t.is(stderr, '')
  t.is(stdout, '0\n')
})

apiTest('features and spec ask for no container', async (t) => {
  t.true(features().linux.cgroup.v2)
  t.is(features().ociVersionMax, '1.3.0')
  const config = await spec()
  t.deepEqual(config.process.args, ['sh'])
  t.is(config.linux?.uidMappings, undefined)
  t.is((await spec({ rootless: true })).linux?.uidMappings?.[0]?.hostID, process.geteuid?.())
})

function workerThatRuns(root: string, argv: readonly string[]): Worker {
  const code = `import('gantry').then(async ({ run }) => {
    const { workerData, parentPort } = require('node:worker_threads')
    parentPort.postMessage((await run(workerData.argv, { root: workerData.root })).stdout)
  })`
  return new Worker(code, { eval: true, workerData: { argv, root } })
}
