// Creates, starts and removes a container from an OCI bundle: `node examples/node/container.mjs BUNDLE`. The bundle is a directory
// with config.json and a root file system; its program must not want a terminal.
import { argv } from 'node:process'
import { create } from 'gantry'

const container = await create(argv[2] ?? '.')
try {
  await container.start()
  console.log(`${container.id} is ${(await container.state()).status} as process ${container.pid}`)
  const { exitCode, signal, stdout } = await container.wait()
  console.log(`${stdout}ended with ${exitCode ?? signal}`)
} finally {
  await container.destroy()
}
