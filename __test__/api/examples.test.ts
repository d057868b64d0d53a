/** The programs in examples/node do what they say, with the package as it is built. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { apiTest } from '../harness/api.js'
import { repository } from '../harness/package.js'

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
