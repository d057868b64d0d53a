/** The programs in examples/node do what they say, with the package as it is built. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { apiTest } from '../harness/api.js'
import { markedCgroups } from '../harness/machine.js'
import { repository } from '../harness/package.js'
import { until } from '../harness/until.js'

const node = (file: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [`${repository}examples/node/${file}`, ...args], { timeout: 30_000 })

apiTest('examples/node/run.mjs', async (t) => {
  const { stdout } = await node('run.mjs')
  t.regex(stdout, /^ERR_TIMEOUT: sh did not end in time\nI am root in \/\ntouch: .*Permission denied\n/)
})

apiTest('examples/node/container.mjs', async (t, { bundle }) => {
  const { stdout } = await node('container.mjs', bundle(['sh', '-c', 'sleep 0.2; echo hello; exit 3']))
  t.regex(stdout, /^gantry-[-0-9a-f]+ is running as process [0-9]+\nhello\nended with 3\n$/)
})

apiTest('examples/node/lines.mjs', async (t) => {
  const { stdout } = await node('lines.mjs')
  const lines = stdout.trim().split('\n')
  t.is(lines.pop(), 'exited with 0')
  t.deepEqual(lines.sort(), ['stderr: done', 'stdout: step 1', 'stdout: step 2', 'stdout: step 3'])
})

apiTest('examples/node/pool.mjs', async (t) => {
  t.is((await node('pool.mjs')).stdout, '1 4 9 16\n')
})

apiTest('examples/node/files.mjs', async (t) => {
  t.is((await node('files.mjs')).stdout, 'the copy says 42\n')
})

apiTest('examples/node/rootfs.mjs', async (t) => {
  t.is((await node('rootfs.mjs')).stdout, 'bin dev new proc sys tmp\n')
})

apiTest('examples/node/terminal.mjs', async (t) => {
  t.is((await node('terminal.mjs')).stdout, '24 80, exited with 0\n')
})

apiTest('examples/node/service runs what it is sent, and streams what that writes', async (t) => {
  const server = spawn(process.execPath, [`${repository}examples/node/service/server.mjs`, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = await once(server.stdout, 'data')
    const url = String(line).trim()
    t.regex(await (await fetch(url)).text(), /<title>Run code<\/title>/)
    const post = async (language: string, body: string) => {
      const response = await fetch(`${url}run?language=${language}`, { method: 'POST', body })
      const text = await response.text()
      return response.ok
        ? [
            response.status,
            ...text
              .trim()
              .split('\n')
              .map((one) => JSON.parse(one)),
          ]
        : response.status
    }
    const shell = await post('shell', 'echo out; cat /etc/shadow; exit 3')
    t.deepEqual(shell, [200, ['stdout', 'out'], ['stderr', 'cat: /etc/shadow: Permission denied'], ['end', 3]])
    const endlessly = await post('shell', 'yes')
    t.deepEqual(Array.isArray(endlessly) && endlessly.at(-1), ['end', 'ERR_OUTPUT'])
    t.is(await post('cobol', ''), 400)
    t.is(await post('shell', 'x'.repeat(70_000)), 413)

    // Output comes while the program runs, and when the browser goes away the program does.
    const gone = new AbortController()
    const endless = await fetch(`${url}run?language=shell`, {
      method: 'POST',
      body: 'echo begun; sleep 3600',
      signal: gone.signal,
    })
    const first = await endless.body?.getReader().read()
    t.is(Buffer.from(first?.value ?? []).toString(), '["stdout","begun"]\n')
    const sandboxes = () => markedCgroups(`gantry-sandbox-${server.pid}-`).length
    t.true(sandboxes() > 0)
    gone.abort()
    await until('the program is gone', () => sandboxes() === 0)
  } finally {
    server.kill()
    await once(server, 'exit')
  }
})
