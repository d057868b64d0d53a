/** What code that is not trusted can't do in a sandbox with the options that there are by default: escapes.py tries it. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { run } from '../../src/index.js'
import { apiTest, mark } from '../harness/api.js'
import { repository } from '../harness/package.js'
import { noHostPrograms } from '../harness/python.js'

apiTest('nothing that is tried from inside a sandbox gets out of it, or takes too much', async (t, { root }) => {
  if (noHostPrograms !== undefined) throw new Error(noHostPrograms)
  const abstract = createServer().listen(`\0${mark}`)
  const server = createServer().listen(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(abstract, 'listening')])
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    const script = readFileSync(`${repository}__test__/api/escapes.py`, 'utf8')
    const limits = { memory: 128 << 20, pids: 64 }
    const argv = ['python3', '-c', script, String(port), mark]
    const { stdout, stderr, exitCode } = await run(argv, { root, limits, cwd: '/', timeout: 60_000 })
    t.is(stderr, '')
    t.is(exitCode, 0)
    const attempts: [string, (string | number)[], string | number][] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    t.true(attempts.length >= 100, `${attempts.length} attempts`)
    t.deepEqual(
      attempts.filter(([, expected, came]) => !expected.includes(came)),
      [],
    )
  } finally {
    server.close()
    abstract.close()
  }
})
