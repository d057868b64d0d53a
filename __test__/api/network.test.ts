/** `network: { join }`: sandboxes that share a network. */
import { readlinkSync } from 'node:fs'
import { type Container, run, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

/** Says so once it listens, and answers once. */
const server = [
  'python3',
  '-c',
  'import socket; s = socket.create_server(("127.0.0.1", 7777)); print("ready", flush=True); s.accept()[0].sendall(b"hello")',
]

const client = [
  'python3',
  '-c',
  'import socket; print(socket.create_connection(("127.0.0.1", 7777)).makefile().read())',
]

/** In an object: a promise would be waited for to its end. */
async function listening(box: Container): Promise<{ readonly server: PromiseLike<unknown> }> {
  const proc = box.exec(server)
  for await (const { line } of proc) if (line === 'ready') break
  return { server: proc }
}

for (const ownIds of [true, false]) {
  const whose = ownIds ? 'ids of its own' : "this machine's ids"

  apiTest(`a sandbox with ${whose} joins the network of another`, async (t, { root }) => {
    await using box = await sandbox({ root, cwd: '/', ownIds })
    const net = readlinkSync(`/proc/${box.pid}/ns/net`)
    t.not(net, readlinkSync('/proc/self/ns/net'))
    for (const join of [box, box.id, box.pid, `/proc/${box.pid}/ns/net`]) {
      const options = { root, cwd: '/', ownIds, network: { join } }
      t.is((await run(['readlink', '/proc/self/ns/net'], options)).stdout, `${net}\n`)
    }
    const served = await listening(box)
    t.is((await run(client, { root, cwd: '/', ownIds, network: { join: box } })).stdout, 'hello\n')
    await served.server
    t.not((await run(client, { root, cwd: '/', ownIds })).exitCode, 0, 'another network has no such server')
  })
}

apiTest("whose sysfs can show no network but this machine's sees none", async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  const look = (network: 'host' | { join: Container }) => run(['ls', '/sys/class/net'], { root, cwd: '/', network })
  t.is((await look({ join: box })).stdout, '')
  t.regex((await look('host')).stdout, /lo/)
})

apiTest('a network that is not there, or was, is an error', async (t, { root }) => {
  const box = await sandbox({ root, cwd: '/' })
  await box.destroy()
  const joining = (join: never | string | number) => run(['true'], { root, cwd: '/', network: { join } })
  await t.throwsAsync(joining(box.id), { code: 'ERR_NOT_FOUND' })
  await t.throwsAsync(joining(`/proc/${box.pid}/ns/net`), { message: /open namespace/ })
  await t.throwsAsync(joining('/etc/passwd'), { message: /join the network namespace, since it is not one/ })
  await t.throwsAsync(joining(0), { code: 'ERR_INVALID_ARGUMENT', message: /network\.join: 0 is no pid/ })
  await t.throwsAsync(joining('../x/y'), { message: /open namespace/ })
  await t.throwsAsync(joining(''), { code: 'ERR_INVALID_ARGUMENT' })
  await t.throwsAsync(joining('a b'), { code: 'ERR_INVALID_ARGUMENT' })
})
