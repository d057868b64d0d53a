/** `rootfs`: directories with ids of their own, and changes that are kept elsewhere. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type GantryError, run, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { makeRootfs } from '../harness/rootfs.js'

/** In the test's directory. */
function rootfsIn(dir: string): string {
  const path = `${dir}/rootfs`
  makeRootfs(path)
  writeFileSync(`${path}/secret`, 'for root\n', { mode: 0o600 })
  return path
}

apiTest(
  'a directory is the root of a sandbox with ids of its own, and belongs to its root',
  async (t, { root, dir }) => {
    const rootfs = { dir: rootfsIn(dir) }
    const look = ['sh', '-c', 'stat -c %u:%g /secret; cat /secret; cat /proc/self/uid_map; touch /x']
    const { stdout, stderr } = await run(look, { root, rootfs })
    t.regex(stdout, /^0:0\nfor root\n +0 +[1-9][0-9]{5,} +65536\n$/)
    t.regex(stderr, /Read-only file system/)
    const same = await run(look, { root, rootfs, ownIds: false })
    t.regex(same.stdout, /^0:0\nfor root\n +0 +0 /)
  },
)

apiTest('readonly: false lets the programs write to it, as root here', async (t, { root, dir }) => {
  const rootfs = { dir: rootfsIn(dir), readonly: false }
  t.is((await run(['sh', '-c', 'echo new > /made'], { root, rootfs })).exitCode, 0)
  t.is(statSync(`${rootfs.dir}/made`).uid, 0)
  t.is(readFileSync(`${rootfs.dir}/made`, 'utf8'), 'new\n')
})

for (const ownIds of [true, false]) {
  const whose = ownIds ? 'ids of its own' : "this machine's ids"

  apiTest(
    `with overlay, a sandbox with ${whose} changes everything and nothing is changed`,
    async (t, { root, dir }) => {
      const rootfs = { dir: rootfsIn(dir), overlay: true }
      const before = readdirSync(rootfs.dir)
      const script =
        'rm /secret; echo new > /made; chmod 700 /bin; mkdir -p /etc/deep/er; ls -d /secret /made; cat /made'
      const { stdout, stderr } = await run(['sh', '-c', script], { root, ownIds, rootfs })
      t.is(stdout, '/made\nnew\n')
      t.regex(stderr, /^ls: .*\/secret.*\n$/)
      t.deepEqual(readdirSync(rootfs.dir), before)
      t.is(readFileSync(`${rootfs.dir}/secret`, 'utf8'), 'for root\n')
    },
  )

  apiTest(`a sandbox with ${whose} keeps its changes in a directory, for the next one`, async (t, { root, dir }) => {
    const changes = `${dir}/changes`
    mkdirSync(changes)
    const rootfs = { dir: rootfsIn(dir), overlay: changes }
    t.is((await run(['sh', '-c', 'echo new > /made; rm /secret'], { root, ownIds, rootfs })).exitCode, 0)
    t.is(readFileSync(`${changes}/upper/made`, 'utf8'), 'new\n')
    t.is(lstatSync(`${changes}/upper/made`).uid, 0)
    t.false(existsSync(`${rootfs.dir}/made`))
    const { stdout } = await run(['sh', '-c', 'cat /made; ls /secret'], { root, ownIds, rootfs })
    t.is(stdout, 'new\n')
  })
}

apiTest('files of a sandbox with an overlay are read and written through its fs', async (t, { root, dir }) => {
  await using box = await sandbox({ root, rootfs: { dir: rootfsIn(dir), overlay: true } })
  await box.fs.writeFile('/etc/mine', 'mine')
  t.is((await box.exec(['cat', '/etc/mine'])).stdout, 'mine')
  t.is(await box.fs.readFile('/secret', 'utf8'), 'for root\n')
})

apiTest('a rootfs that is none is an error that says why', async (t, { root, dir }) => {
  const trying = (rootfs: never | object) => run(['true'], { root, rootfs: Object.assign(rootfs) })
  for (const wrong of [
    {},
    { host: false },
    { host: true, dir: '/' },
    { dir: '' },
    { dir: 7 },
    { tar: 7 },
    { layout: '' },
  ]) {
    await t.throwsAsync(trying(wrong), { code: 'ERR_INVALID_ARGUMENT', message: /^rootfs/ })
  }
  await t.throwsAsync(trying({ host: true, overlay: true }), { code: 'ERR_INVALID_ARGUMENT', message: /overlay/ })
  await t.throwsAsync(trying({ dir: '/', readonly: false, overlay: true }), { message: /exclude/ })
  await t.throwsAsync(trying({ dir: `${dir}/none` }), { message: /open rootfs .*none: no such file/ })
  await t.throwsAsync(trying({ dir: rootfsIn(dir), overlay: `${dir}/none` }), {
    message: /directory of changes .*none/,
  })
})

apiTest('where files cannot be shown with other ids, that is said', async (t, { root }) => {
  const error = await t.throwsAsync<GantryError>(run(['true'], { root, rootfs: { dir: '/proc' } }), {
    message: /map the ids of \/proc/,
  })
  t.regex(error?.hint ?? '', /id-mapped mounts/)
})
