/** `run` of the Node API: what goes in, what comes out. */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { list, run } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { attempt } from '../harness/machine.js'
import { packageDirectory, repository } from '../harness/package.js'
import { makeRootfs } from '../harness/rootfs.js'
import { until } from '../harness/until.js'

apiTest('run gives what the program wrote and how it ended', async (t, { root }) => {
  const result = await run(['sh', '-c', 'echo out; echo err >&2'], { root })
  t.like(result, { exitCode: 0, signal: null, stdout: 'out\n', stderr: 'err\n', ok: true, timedOut: false })
  t.deepEqual(result.truncated, { stdout: false, stderr: false })
  t.true(result.durationMs > 0)
})

apiTest('an exit code is no error', async (t, { root }) => {
  t.like(await run(['sh', '-c', 'exit 37'], { root }), { exitCode: 37, signal: null, ok: false })
})

apiTest('the environment is what was given, and PATH', async (t, { root }) => {
  const { stdout } = await run(['env'], { root, env: { A: '1', B: 'two words', GONE: undefined } })
  const lines = stdout.trim().split('\n')
  t.true(lines.includes('A=1'))
  t.true(lines.includes('B=two words'))
  t.deepEqual(lines.map((line) => line.split('=')[0]).sort(), ['A', 'B', 'HOME', 'PATH'])
  t.is((await run(['/bin/sh', '-c', 'echo $PATH'], { root, env: { PATH: '/x' } })).stdout, '/x\n')
})

apiTest('variables of the service manager are not handed on', async (t, { root }) => {
  process.env.NOTIFY_SOCKET = '/run/no-such-socket'
  process.env.LISTEN_PID = String(process.pid)
  process.env.LISTEN_FDS = '1'
  try {
    t.notRegex((await run(['env'], { root })).stdout, /NOTIFY|LISTEN/)
  } finally {
    for (const name of ['NOTIFY_SOCKET', 'LISTEN_PID', 'LISTEN_FDS']) delete process.env[name]
  }
})

apiTest('cwd is the current directory, or the one that was given', async (t, { root }) => {
  // The sandbox has ids of its own: a checkout that is closed to others is closed to it.
  const isOpen = packageDirectory === repository
  t.is((await run(['pwd'], { root })).stdout, isOpen ? `${process.cwd()}\n` : '/\n')
  t.is((await run(['pwd'], { root, cwd: '/usr/bin' })).stdout, '/usr/bin\n')
  t.is((await run(['pwd'], { root, cwd: relative(process.cwd(), '/usr/bin') })).stdout, '/usr/bin\n')
})

apiTest('input is standard input, which is empty without it', async (t, { root }) => {
  t.is((await run(['cat'], { root, input: 'grüße\n' })).stdout, 'grüße\n')
  t.is((await run(['cat'], { root, input: 'inherit' })).stdout, 'inherit')
  t.is((await run(['cat'], { root, input: '' })).stdout, '')
  t.is((await run(['cat'], { root })).stdout, '')
  const bytes = new Uint8Array([0, 255, 10, 128])
  t.deepEqual((await run(['cat'], { root, input: bytes, encoding: 'buffer' })).stdout, Buffer.from(bytes))
})

apiTest('more input than a pipe holds goes through, and input that nobody reads harms nobody', async (t, { root }) => {
  const input = 'x'.repeat(1 << 20)
  t.is((await run(['wc', '-c'], { root, input })).stdout.trim(), String(input.length))
  t.true((await run(['true'], { root, input })).ok)
})

apiTest('streams go to descriptors, or nowhere', async (t, { root, dir }) => {
  writeFileSync(`${dir}/in`, 'from a file')
  const input = openSync(`${dir}/in`, 'r')
  const output = openSync(`${dir}/out`, 'w')
  const command = ['sh', '-c', 'cat; echo lost >&2']
  const result = await run(command, { root, stdin: input, stdout: output, stderr: 'ignore' })
  t.like(result, { stdout: '', stderr: '', ok: true })
  t.is(readFileSync(`${dir}/out`, 'utf8'), 'from a file')
  // They are still ours.
  closeSync(input)
  closeSync(output)
})

apiTest('the last bytes are there, also of what the program left running', async (t, { root }) => {
  const { stdout } = await run(['sh', '-c', '(sleep 60; echo late) & head -c 200000 /dev/zero | tr "\\0" x'], { root })
  t.is(stdout.length, 200_000)
})

apiTest('somebody outside who holds the end of a pipe keeps nobody waiting', async (t, { root }) => {
  const running = run(['sh', '-c', 'echo begun; sleep 0.5; echo done'], { root })
  const pid = await until('it runs', async () => {
    const [state] = await list({ root }).catch(() => [])
    return state?.status === 'running' && state.pid
  })
  const held = openSync(`/proc/${pid}/fd/1`, 'w')
  t.is((await running).stdout, 'begun\ndone\n')
  closeSync(held)
})

apiTest('output beyond maxOutput is dropped, the program goes on, and the result says so', async (t, { root }) => {
  const command = ['sh', '-c', 'head -c 300000 /dev/zero | tr "\\0" x; printf 123 >&2; exit 5']
  const result = await run(command, { root, maxOutput: 1000 })
  t.like(result, { exitCode: 5, stdout: 'x'.repeat(1000), stderr: '123' })
  t.deepEqual(result.truncated, { stdout: true, stderr: false })
  t.like(await run(['printf', '123'], { root, maxOutput: 3 }), { stdout: '123', truncated: { stdout: false } })
  t.like(await run(['printf', '123'], { root, maxOutput: 0 }), { stdout: '', truncated: { stdout: true } })
})

apiTest('a character that maxOutput cuts in two is left out', async (t, { root }) => {
  t.is((await run(['printf', 'aé'], { root, maxOutput: 2 })).stdout, 'a')
})

apiTest('without maxOutput 16 MiB are kept', async (t, { root }) => {
  const size = (16 << 20) + 1
  const { stdout, truncated } = await run(['head', '-c', String(size), '/dev/zero'], { root, encoding: 'buffer' })
  t.is(stdout.length, 16 << 20)
  t.true(truncated.stdout)
})

apiTest('this machine can be looked at and not be written to, but where it was allowed', async (t, { root, dir }) => {
  mkdirSync(`${dir}/open`)
  writeFileSync(`${dir}/closed`, '')
  // /tmp is the sandbox's own, but for what is writable in it.
  const command = ['sh', '-c', `echo in > ${dir}/open/file; ls ${dir}; touch /etc/gantry-was-here`]
  const { stdout, stderr } = await run(command, { root, rootfs: { host: true, writable: [`${dir}/open`] } })
  t.is(stdout, 'open\n')
  t.regex(stderr, /Read-only file system/)
  t.is(readFileSync(`${dir}/open/file`, 'utf8'), 'in\n')
})

apiTest('a directory can be the root', async (t, { root, dir }) => {
  makeRootfs(`${dir}/rootfs`)
  const { stdout } = await run(['sh', '-c', 'pwd; ls /; ls /bin/busybox'], { root, rootfs: { dir: `${dir}/rootfs` } })
  const [cwd, ...names] = stdout.trim().split('\n')
  t.is(cwd, '/')
  t.true(names.includes('/bin/busybox'))
  t.false(names.includes('usr'))
})

apiTest('there is no network, or this machine’s', async (t, { root }) => {
  const interfaces = async (network?: 'none' | 'host') =>
    (await run(['sh', '-c', 'grep -c : /proc/net/dev'], { root, ...(network && { network }) })).stdout.trim()
  t.is(await interfaces(), '1')
  t.is(await interfaces('none'), '1')
  t.is(await interfaces('host'), String(readFileSync('/proc/net/dev', 'utf8').match(/:/g)?.length))
})

apiTest('limits are those of the cgroup', async (t, { root }) => {
  const { exitCode, stderr } = await run(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'], {
    root,
    limits: { pids: 4 },
  })
  t.not(exitCode, 0)
  t.regex(stderr, /fork/i)
  const greedy = ['sh', '-c', 'head -c 200m /dev/zero | tail -c 150m | wc -c']
  const { stdout } = await run(greedy, { root, limits: { memory: 32 << 20, cpus: 1.5 } })
  t.not(stdout.trim(), String(150 << 20))
})

apiTest('a program that inherits a non-blocking pipe can wait for its reader', async (t, { root, dir }) => {
  const fifo = `${dir}/fifo`
  execFileSync('mkfifo', [fifo])
  const pipe = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
  const size = 300_000
  const running = run(['sh', '-c', `head -c ${size} /dev/zero && echo end >&2`], { root, stdout: pipe })
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(1 << 16)
  let seen = 0
  const readSome = (): boolean => {
    const count = attempt(() => readSync(reader, buffer)) ?? 0
    seen += count
    return count > 0
  }
  await until('all is read', () => {
    while (readSome());
    return seen === size
  })
  t.like(await running, { exitCode: 0, stderr: 'end\n' })
  for (const descriptor of [pipe, reader]) closeSync(descriptor)
})
