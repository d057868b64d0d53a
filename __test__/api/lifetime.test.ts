/** What becomes of containers when the program that made them ends, in whatever way. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { open } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { allPids, attempt, isAlive, markedCgroups, markedProcesses, parentOf } from '../harness/machine.js'
import { packageDirectory, repository } from '../harness/package.js'
import { until } from '../harness/until.js'

if (!existsSync(`${repository}dist/index.js`)) throw new Error('dist/index.js is not built')

/** How many moments SIGKILL comes at. */
const moments = Number(process.env.GANTRY_MOMENTS ?? 40)

/** A program that uses the package: an ES module with `run`, `create`, `root`, `bundle` and `say`. */
class Program {
  readonly child: ChildProcess
  readonly root: string
  #said = ''
  readonly #watchers = new Set<number>()

  constructor(root: string, code: string, bundle = '') {
    this.root = root
    const module = `import { run, create } from '${packageDirectory}dist/index.js'
      const [root, bundle] = ${JSON.stringify([root, bundle])}
      const say = (line) => process.stdout.write(line + '\\n')
      ${code}`
    const words = ['--input-type=module', '--eval', module]
    // A process group of its own, as a shell gives to each job.
    this.child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    this.child.stdout?.on('data', (chunk) => {
      this.#said += chunk
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  async hear(line: string): Promise<void> {
    await until(`the program says ${line}`, () => this.#said.split('\n').includes(line), 20_000)
    for (const pid of watchersOf(this.pid)) this.#watchers.add(pid)
  }

  async hearAgain(line: string): Promise<void> {
    this.#said = ''
    await this.hear(line)
  }

  /** Those watchers that were there when it last said something, and still are. */
  watchers(): number[] {
    return [...this.#watchers].filter((pid) => isAlive(pid) && commandOf(pid).startsWith('gantry-watcher'))
  }

  async ended(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
  }

  /** What there still is of its containers, the watcher included. */
  remains(known: ReadonlySet<number>): string[] {
    const marks = [`gantry-sandbox-${this.pid}-`, this.root]
    return [
      ...marks.flatMap((mark) => markedProcesses(mark, known).map((pid) => `process ${pid}`)),
      ...marks.flatMap((mark) => markedCgroups(mark)),
      ...(attempt(() => readdirSync(this.root)) ?? []).map((name) => `record ${name}`),
      ...this.watchers().map((pid) => `watcher ${pid}`),
    ]
  }

  async leavesNothing(t: ExecutionContext, known: ReadonlySet<number>): Promise<void> {
    await this.ended()
    await until('nothing remains', () => this.remains(known).length === 0).catch(() => undefined)
    t.deepEqual(this.remains(known), [])
  }
}

function watchersOf(parent: number): number[] {
  return allPids().filter((pid) => parentOf(pid) === parent && commandOf(pid).startsWith('gantry-watcher'))
}

function commandOf(pid: number): string {
  return attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? ''
}

/** Containers come, stay and go, several at a time. */
const busy = `
  run(['sleep', '60'], { root })
  say('ready')
  for (;;) await Promise.all([run(['true'], { root }), run(['sh', '-c', 'sleep 60 & exit'], { root, limits: { pids: 10 } })])`

apiTest('SIGKILL at any moment leaves nothing', async (t, { root }) => {
  const known = new Set(allPids())
  for (let moment = 0; moment < moments; moment++) {
    const program = new Program(root, busy)
    await program.hear('ready')
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
    program.child.kill('SIGKILL')
    await program.leavesNothing(t, known)
  }
})

/** One that runs and one that waits for its start. */
const two = `
  await (await create(bundle, { root, id: root.split('/')[2] + '-a' })).start()
  await create(bundle, { root, id: root.split('/')[2] + '-b' })
  say('ready')`

for (const [how, code] of [
  ['process.exit()', `${two}; process.exit(0)`],
  ['an error that nobody catches', `${two}; setImmediate(() => { throw null })`],
  [
    'the end of the worker thread that made them',
    `import { Worker } from 'node:worker_threads'
     const code = \`import('${packageDirectory}dist/index.js').then(async ({ create }) => {
       const [root, bundle] = \${JSON.stringify([root, bundle])}
       const { parentPort } = await import('node:worker_threads')
       const say = (line) => parentPort.postMessage(line)
       ${two}
       process.exit(1)
     })\`
     const worker = new Worker(code, { eval: true })
     worker.on('message', say)
     worker.on('exit', () => setTimeout(() => {}, 60_000))`,
  ],
] as const) {
  apiTest(`${how} ends containers`, async (t, { root, bundle }) => {
    const known = new Set(allPids())
    const program = new Program(root, code, bundle(['sleep', '60']))
    await program.hear('ready')
    await until('the containers are gone', () => (attempt(() => readdirSync(root)) ?? []).length === 0)
    if (how.startsWith('the end of the worker')) t.true(isAlive(program.pid))
    program.child.kill('SIGKILL')
    await program.leavesNothing(t, known)
  })
}

apiTest('a worker thread that is terminated in the middle of its launches leaves nothing', async (t, { root }) => {
  const known = new Set(allPids())
  const program = new Program(
    root,
    `import { Worker } from 'node:worker_threads'
     const code = \`import('${packageDirectory}dist/index.js').then(async ({ run }) => {
       for (let i = 0; i < 20; i++) run(['sleep', '60'], { root: '\${root}' })
     })\`
     for (let round = 0; round < 10; round++) {
       const worker = new Worker(code, { eval: true })
       await new Promise((resolve) => setTimeout(resolve, 50 + 20 * round))
       await worker.terminate()
     }
     say('terminated')
     setTimeout(() => {}, 60_000)`,
  )
  await program.hear('terminated')
  await until('the containers are gone', () => (attempt(() => readdirSync(root)) ?? []).length === 0)
  t.true(isAlive(program.pid))
  program.child.kill('SIGKILL')
  await program.leavesNothing(t, known)
})

apiTest('what ends a whole process group does not spare containers', async (t, { root }) => {
  const known = new Set(allPids())
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
    const program = new Program(root, busy)
    await program.hear('ready')
    await until('a watcher is there', () => watchersOf(program.pid).length === 1)
    process.kill(-program.pid, signal)
    await program.leavesNothing(t, known)
  }
})

apiTest('a watcher that was killed is replaced, and the new one knows the old containers', async (t, { root }) => {
  const known = new Set(allPids())
  const program = new Program(
    root,
    `run(['sleep', '60'], { root })
     for (;;) { await run(['true'], { root }); say('ready') }`,
  )
  await program.hear('ready')
  const [first] = watchersOf(program.pid)
  if (first === undefined) return t.fail('no watcher')
  process.kill(first, 'SIGKILL')
  await until('another is there', () => watchersOf(program.pid).some((pid) => pid !== first && isAlive(pid)))
  // It has heard of all containers by the time that the next one runs.
  await program.hearAgain('ready')
  await program.hearAgain('ready')
  program.child.kill('SIGKILL')
  await program.leavesNothing(t, known)
})

apiTest('two copies of the package do not get in each other’s way', async (t, { root, dir }) => {
  const known = new Set(allPids())
  for (const part of ['dist', 'package.json'])
    cpSync(`${repository}${part}`, `${dir}/copy/${part}`, { recursive: true })
  const program = new Program(
    root,
    `const copy = await import('${dir}/copy/dist/index.js')
     run(['sleep', '60'], { root })
     copy.run(['sleep', '60'], { root })
     const both = await Promise.all([run(['echo', 'one'], { root }), copy.run(['echo', 'two'], { root })])
     say(both.map(({ stdout }) => stdout.trim()).join(' '))`,
  )
  await program.hear('one two')
  t.is(watchersOf(program.pid).length, 2)
  program.child.kill('SIGKILL')
  await program.leavesNothing(t, known)
})

apiTest('a detached container outlives its program', async (t, { root, id, bundle }) => {
  const code = `
    const container = await create(bundle, { root, id: '${id}', detached: true, stdout: 'ignore', stderr: 'ignore' })
    await container.start()
    await create(bundle, { root, id: '${id}-attached' })
    say('started')`
  const program = new Program(root, code, bundle(['sleep', '60']))
  await program.hear('started')
  program.child.kill('SIGKILL')
  await program.ended()
  await until('the other one is gone', () => readdirSync(root).join() === id)
  await using container = await open(id, { root })
  t.is((await container.state()).status, 'running')
})

apiTest('a container that has the name of one that is gone is another’s', async (t, { root, id, bundle }) => {
  const path = bundle(['sleep', '60'])
  const program = new Program(root, `await create(bundle, { root, id: '${id}' }); say('created')`, path)
  await program.hear('created')
  await (await open(id, { root })).destroy()
  const other = `const container = await create(bundle, { root, id: '${id}', detached: true }); say('created')`
  const second = new Program(root, other, path)
  await second.hear('created')
  program.child.kill('SIGKILL')
  second.child.kill('SIGKILL')
  await Promise.all([program.ended(), second.ended()])
  await until('both watchers are gone', () => [program, second].every((one) => one.watchers().length === 0))
  await using container = await open(id, { root })
  t.is((await container.state()).status, 'created')
})
