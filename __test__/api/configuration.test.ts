/** `create` from a configuration in memory. */
import { existsSync, mkdirSync } from 'node:fs'
import { create, type Spec, spec } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { makeRootfs } from '../harness/rootfs.js'

async function echoing(words: string): Promise<Spec> {
  const base = await spec()
  return { ...base, process: { ...base.process, terminal: false, args: ['echo', words] } }
}

apiTest('a container is created from a spec and a root, with no bundle on disk', async (t, { root, dir, id }) => {
  const rootfs = `${dir}/rootfs`
  makeRootfs(rootfs)
  const container = await create({ spec: await echoing('hello'), rootfs }, { root, id })
  t.like(await container.state(), { id, status: 'created', bundle: process.cwd() })
  await container.start()
  t.like(await container.wait(), { exitCode: 0, stdout: 'hello\n' })
  await container.destroy()
  t.false(existsSync(`${process.cwd()}/config.json`))
})

apiTest('exec in such a container has its settings', async (t, { root, dir, id }) => {
  const rootfs = `${dir}/rootfs`
  makeRootfs(rootfs)
  const base = await echoing('')
  const process = { ...base.process, args: ['sleep', '60'], env: ['PATH=/bin', 'MINE=yes'] }
  await using container = await create({ spec: { ...base, process }, rootfs }, { root, id })
  await container.start()
  t.is((await container.exec(['sh', '-c', 'echo $MINE'])).stdout, 'yes\n')
})

apiTest('what is wrong with the spec or the root is said', async (t, { root, dir }) => {
  const rootfs = `${dir}/rootfs`
  mkdirSync(rootfs)
  const good = await echoing('')
  const trying = (spec: never | object) => create({ spec: { ...good, ...spec }, rootfs }, { root })
  await t.throwsAsync(trying({ hostname: 7 }), { code: 'ERR_INVALID_SPEC', message: /hostname/ })
  await t.throwsAsync(trying({ process: { ...good.process, args: [] } }), { code: 'ERR_INVALID_SPEC' })
  await t.throwsAsync(create({ spec: good, rootfs: `${dir}/none` }, { root }), { message: /none/ })
  await t.throwsAsync(create({ spec: good, rootfs: '' }, { root }), { code: 'ERR_INVALID_ARGUMENT' })
})
