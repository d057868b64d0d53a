/** A process as an object: its streams, lines, events, terminal, and the ways to end it. */
import { once } from 'node:events'
import { PassThrough, Readable, Writable } from 'node:stream'
import { GantryError, type Proc, RunError, run } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { until } from '../harness/until.js'

apiTest('pipes are streams of Node', async (t, { root }) => {
  const proc = run(['sh', '-c', 'cat; echo done >&2'], { root, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
  const output = text(proc.stdout)
  const errors = text(proc.stderr)
  proc.stdin?.write('one\n')
  proc.stdin?.end('two\n')
  t.like(await proc, { exitCode: 0, stdout: '', stderr: '' })
  t.is(await output, 'one\ntwo\n')
  t.is(await errors, 'done\n')
})

apiTest('a program waits while nobody reads its pipe', async (t, { root }) => {
  const proc = run(['sh', '-c', 'head -c 1000000 /dev/zero; echo end >&2; sleep 60'], { root, stdout: 'pipe' })
  await proc.started
  const [first] = await once(proc.stdout ?? t.fail(), 'data')
  proc.stdout?.pause()
  t.true(first.length < 1_000_000)
  proc.stdout?.resume()
  let length = first.length
  proc.stdout?.on('data', (chunk) => {
    length += chunk.length
  })
  await until('all came', () => length === 1_000_000)
  t.true(await proc.kill('SIGKILL'))
  t.like(await proc, { signal: 'SIGKILL', stderr: 'end\n' })
})

apiTest('lines come as they are written', async (t, { root }) => {
  const lines: unknown[] = []
  const script = 'echo one; echo two >&2; read go; printf "three\\r\\nfour"; exit 3'
  const proc = run(['sh', '-c', script], { root, stdin: 'pipe' })
  for await (const { stream, line } of proc) {
    lines.push([stream, line])
    if (lines.length === 2) proc.stdin?.write('go\n')
  }
  t.deepEqual([...lines].sort(), [
    ['stderr', 'two'],
    ['stdout', 'four'],
    ['stdout', 'one'],
    ['stdout', 'three'],
  ])
  t.like(await proc, { exitCode: 3, stdout: 'one\nthree\r\nfour' })
})

apiTest('reading lines ends with what ended the program, and may stop before', async (t, { root }) => {
  const proc = run(['sh', '-c', 'echo one; sleep 60'], { root, timeout: 300 })
  const read = async () => {
    for await (const { line } of proc) t.is(line, 'one')
  }
  await t.throwsAsync(read(), { code: 'ERR_TIMEOUT' })

  const endless = run(['yes'], { root, maxOutput: 10 })
  let count = 0
  for await (const { line } of endless) {
    t.is(line, 'y')
    if (++count === 5000) break
  }
  await endless.kill('SIGKILL')
  t.like(await endless, { signal: 'SIGKILL', stdout: 'y\ny\ny\ny\ny\n', truncated: { stdout: true } })
})

apiTest('a program that writes faster than its lines are read has to wait', async (t, { root }) => {
  const proc = run(['sh', '-c', 'yes 0123456789 | head -n 200000; echo end >&2'], { root, maxOutput: 0 })
  let count = 0
  for await (const { stream } of proc) {
    if (stream === 'stderr') break
    if (++count % 20_000 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.is(count, 200_000)
})

apiTest('input can be a stream', async (t, { root }) => {
  t.is((await run(['cat'], { root, input: Readable.from(['a', 'b', 'c']) })).stdout, 'abc')
  t.is((await run(['cat'], { root, input: new Blob(['from the web']).stream() })).stdout, 'from the web')
  const endless = new Readable({ read: () => void endless.push(Buffer.alloc(1000)) })
  t.true((await run(['head', '-c', '1'], { root, input: endless })).ok)
  t.false(endless.destroyed)
  endless.destroy()
  const failing = new Readable({ read: () => void failing.destroy(new Error('the disk is gone')) })
  const error = await t.throwsAsync(run(['cat'], { root, input: failing }), { instanceOf: RunError, code: 'ERR_INPUT' })
  t.is(error?.message, 'the input could not be read: the disk is gone')
})

apiTest('output can go to a stream, which stays open', async (t, { root }) => {
  const chunks: string[] = []
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk, _, done) => void setTimeout(() => done(chunks.push(String(chunk)) > 0 ? null : null), 1),
  })
  const script = 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.01; done'
  t.like(await run(['sh', '-c', script], { root, stdout: slow }), { stdout: '', ok: true })
  t.is(chunks.join(''), '1\n2\n3\n4\n5\n6\n7\n8\n9\n')
  t.false(slow.writableEnded)

  const written: string[] = []
  const web = new WritableStream<Uint8Array>({ write: (chunk) => void written.push(Buffer.from(chunk).toString()) })
  await run(['sh', '-c', 'echo out; echo err >&2'], { root, stdout: web, stderr: 'ignore' })
  t.is(written.join(''), 'out\n')
  t.false(web.locked)

  const broken = new Writable({ write: (_chunk, _, done) => done(new Error('no space')) })
  broken.on('error', () => undefined)
  const error = await t.throwsAsync(run(['echo', 'x'], { root, stdout: broken }), { code: 'ERR_OUTPUT' })
  t.is(error?.message, 'output could not be written to a stream: no space')
})

apiTest('one stream can take both', async (t, { root }) => {
  const both = new PassThrough()
  const all = text(both)
  await run(['sh', '-c', 'echo out; echo err >&2'], { root, stdout: both, stderr: both })
  both.end()
  t.deepEqual((await all).trim().split('\n').sort(), ['err', 'out'])
})

apiTest('events come in their order', async (t, { root }) => {
  const events: unknown[] = []
  const proc = run(['sh', '-c', 'echo x; exit 7'], { root })
  for (const name of ['spawn', 'exit', 'close'] as const)
    proc.on(name, (...values: unknown[]) => events.push([name, ...values]))
  await proc.started
  t.true((proc.pid ?? 0) > 0)
  await proc.finally(() => events.push('settled'))
  t.deepEqual(events, [['spawn'], ['exit', 7, null], ['close', 7, null], 'settled'])
})

apiTest('kill tells whether there was somebody to hear it', async (t, { root }) => {
  const proc = run(['sh', '-c', 'trap "echo caught; exit 4" USR1; echo ready; while :; do sleep 0.01; done'], { root })
  for await (const { line } of proc) {
    if (line === 'ready') t.true(await proc.kill('SIGUSR1'))
  }
  t.like(await proc, { exitCode: 4, stdout: 'ready\ncaught\n' })
  t.false(await proc.kill())
  await t.throwsAsync(proc.kill('SIGNOTHING'), { instanceOf: GantryError, code: 'ERR_INVALID_ARGUMENT' })
})

apiTest('killSignal lets a program end by itself, for a while', async (t, { root }) => {
  const trap = (action: string) => ['sh', '-c', `trap '${action}' TERM; echo ready; while :; do sleep 0.01; done`]
  const ended = await t.throwsAsync(run(trap('echo bye; exit 0'), { root, timeout: 400, killSignal: 'SIGTERM' }), {
    instanceOf: RunError,
    code: 'ERR_TIMEOUT',
  })
  t.like(ended?.result, { exitCode: 0, stdout: 'ready\nbye\n', timedOut: true, ok: false })
  const options = { root, timeout: 400, killSignal: 'SIGTERM', forceKillAfterDelay: 100 }
  const killed = await t.throwsAsync(run(trap('echo no'), options), { instanceOf: RunError, code: 'ERR_TIMEOUT' })
  t.like(killed?.result, { signal: 'SIGKILL', stdout: 'ready\nno\n' })
})

apiTest('onOverflow can be the end', async (t, { root }) => {
  const error = await t.throwsAsync(run(['yes'], { root, maxOutput: 100, onOverflow: 'kill' }), {
    instanceOf: RunError,
    code: 'ERR_OUTPUT',
    message: 'yes wrote more than maxOutput',
  })
  t.like(error?.result, { signal: 'SIGKILL', stdout: 'y\n'.repeat(50), truncated: { stdout: true, stderr: false } })
})

apiTest('a process ends with its block', async (t, { root }) => {
  let proc: Proc | undefined
  {
    await using one = run(['sleep', '60'], { root, stdout: 'pipe' })
    proc = one
    await one.started
  }
  await t.throwsAsync(Promise.resolve(proc), { code: 'ERR_ABORTED' })
  t.true(proc.stdout?.destroyed)
})

apiTest('a terminal is a stream that loses nothing', async (t, { root }) => {
  for (let round = 0; round < 20; round++) {
    const proc = run(['sh', '-c', 'seq 1 2000; printf last'], { root, tty: true })
    const all = text(proc.pty)
    t.like(await proc, { exitCode: 0, stdout: '' })
    t.true((await all).endsWith('2000\r\nlast'), `round ${round}`)
  }
})

apiTest('a terminal takes what is typed, and has a size', async (t, { root }) => {
  const proc = run(['sh', '-c', 'stty size; read line; echo "<$line>"; stty size; tty'], {
    root,
    tty: { columns: 100, rows: 30 },
  })
  let shown = ''
  proc.pty?.on('data', (chunk) => {
    shown += chunk
  })
  await until('it has its size', () => shown.includes('30 100\r\n'))
  proc.resize(132, 43)
  proc.pty?.write('hello\n')
  await proc
  await until('all is shown', () => shown.includes('/dev/'))
  t.is(shown, '30 100\r\nhello\r\n<hello>\r\n43 132\r\n/dev/pts/0\r\n')
})

apiTest('a terminal that goes away hangs up', async (t, { root }) => {
  const proc = run(['sh', '-c', 'trap "exit 9" HUP; echo ready; while :; do sleep 0.01; done'], { root, tty: true })
  await once(proc.pty ?? t.fail(), 'data')
  proc.pty?.destroy()
  t.is((await proc).exitCode, 9)
})

apiTest('a terminal excludes other streams', async (t, { root }) => {
  await t.throwsAsync(run(['true'], { root, tty: true, stdout: 'ignore' }), { message: /^tty excludes/ })
  await t.throwsAsync(run(['true'], { root, tty: { columns: 0 } }), { message: /^tty.columns/ })
})

async function text(stream: Readable | null): Promise<string> {
  let all = ''
  for await (const chunk of stream ?? []) all += chunk
  return all
}
