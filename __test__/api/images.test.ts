/** Roots from archives and OCI image layouts: unpacked once, checked, and never used half. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { gzipSync } from 'node:zlib'
import { type LayoutRootfs, run, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { makeRootfs } from '../harness/rootfs.js'

/** As `tar` packs a directory that `fill` fills. */
function packed(dir: string, fill: (path: string) => void): Buffer {
  const path = `${dir}/to-pack`
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  fill(path)
  return execFileSync('tar', ['-C', path, '-c', '.'], { maxBuffer: 256 << 20 })
}

/** A layout with one image for each platform, written blob by blob. */
class Layout {
  readonly manifests: object[] = []

  constructor(readonly path: string) {
    mkdirSync(`${path}/blobs/sha256`, { recursive: true })
    writeFileSync(`${path}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  }

  blob(mediaType: string, content: Buffer | object) {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const hash = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(`${this.path}/blobs/sha256/${hash}`, bytes)
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length }
  }

  add(layers: readonly Buffer[], more: object = {}, config: object = {}): string {
    const manifest = this.blob('application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config: this.blob('application/vnd.oci.image.config.v1+json', { config }),
      layers: layers.map((layer) => this.blob('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
    })
    this.manifests.push({ ...manifest, ...more })
    this.write()
    return manifest.digest
  }

  write(): void {
    writeFileSync(`${this.path}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: this.manifests }))
  }

  file(digest: string): string {
    return `${this.path}/blobs/${digest.replace(':', '/')}`
  }
}

const base = (dir: string) => packed(dir, (path) => makeRootfs(path))

apiTest('a tar archive is a root: from a file, bytes or a stream, and unpacked once', async (t, { root, dir }) => {
  const cache = `${dir}/cache`
  const archive = base(dir)
  writeFileSync(`${dir}/root.tar.gz`, gzipSync(archive))
  const look = async (tar: string | Buffer | ReturnType<typeof createReadStream>) => {
    const { stdout } = await run(['sh', '-c', 'stat -c %u /bin; ls -d /bin'], { root, rootfs: { tar, cache } })
    t.is(stdout, '0\n/bin\n')
    return readdirSync(cache).length
  }
  t.is(await look(`${dir}/root.tar.gz`), 1)
  t.is(await look(`${dir}/root.tar.gz`), 1, 'the same file is not unpacked again')
  t.is(await look(archive), 2)
  t.is(await look(archive), 2)
  t.is(await look(createReadStream(`${dir}/root.tar.gz`)), 3)
  t.is(await look(createReadStream(`${dir}/root.tar.gz`)), 3, 'the same content is there once')
  appendFileSync(`${dir}/root.tar.gz`, gzipSync(Buffer.alloc(512)))
  t.is(await look(`${dir}/root.tar.gz`), 4, 'a file that changed is another')
  t.deepEqual(
    readdirSync(cache).filter((name) => name.startsWith('.')),
    [],
  )
})

apiTest('two sandboxes at once have an image unpacked once', async (t, { root, dir }) => {
  const rootfs = { tar: base(dir), cache: `${dir}/cache`, overlay: true }
  const results = await Promise.all([1, 2, 3].map(() => run(['true'], { root, rootfs })))
  t.true(results.every(({ ok }) => ok))
  t.is(readdirSync(rootfs.cache).length, 1)
})

apiTest('the layers of an image lie over each other, with its environment and directory', async (t, { root, dir }) => {
  const layout = new Layout(`${dir}/layout`)
  const below = packed(dir, (path) => {
    makeRootfs(path)
    mkdirSync(`${path}/old`)
    writeFileSync(`${path}/old/file`, '')
    writeFileSync(`${path}/gone`, '')
  })
  const above = packed(dir, (path) => {
    mkdirSync(`${path}/old`)
    writeFileSync(`${path}/old/.wh..wh..opq`, '')
    writeFileSync(`${path}/old/new`, '')
    writeFileSync(`${path}/.wh.gone`, '')
  })
  layout.add([gzipSync(below), above], {}, { Env: ['PATH=/bin', 'FROM=image', 'BOTH=image'], WorkingDir: '/old' })
  const options = { root, rootfs: { layout: layout.path, cache: `${dir}/cache` }, env: { BOTH: 'call' } }
  const { stdout } = await run(['sh', '-c', 'pwd; ls -A . ; ls -d /gone; echo $PATH $FROM $BOTH'], options)
  t.is(stdout, '/old\nnew\n/bin image call\n')
  await using box = await sandbox(options)
  t.is((await box.exec(['pwd'])).stdout, '/old\n')
})

apiTest('an image is found by its name and platform, in nested indexes too', async (t, { root, dir }) => {
  const layout = new Layout(`${dir}/layout`)
  const cache = `${dir}/cache`
  const archive = gzipSync(base(dir))
  const image = (which: string) => [{}, { Env: [`WHICH=${which}`] }] as const
  const named = (name: string) => ({ annotations: { 'org.opencontainers.image.ref.name': name } })
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  layout.add([archive], { ...named('one'), platform: { os: 'linux', architecture } }, image('one')[1])
  layout.add([archive], { ...named('other'), platform: { os: 'linux', architecture: 'riscv64' } }, image('other')[1])
  const which = async (more: Partial<LayoutRootfs>) =>
    (await run(['sh', '-c', 'echo $WHICH'], { root, rootfs: { layout: layout.path, cache, ...more } })).stdout
  t.is(await which({}), 'one\n')
  t.is(await which({ ref: 'one' }), 'one\n')
  t.is(await which({ platform: 'linux/riscv64' }), 'other\n')
  await t.throwsAsync(which({ ref: 'other' }), {
    code: 'ERR_IMAGE',
    message: /no image other for linux\/.*there are: one, other/,
  })
  layout.add([archive], named('third'), image('third')[1])
  await t.throwsAsync(which({}), { code: 'ERR_IMAGE', message: /more than one image/ })
  const inner = layout.blob('application/vnd.oci.image.index.v1+json', { manifests: layout.manifests.slice(0, 2) })
  layout.manifests.push({ ...inner, ...named('nested') })
  layout.write()
  t.is(await which({ ref: 'nested' }), 'one\n')
})

apiTest('what is not what its digest says is refused, and nothing stays of it', async (t, { root, dir }) => {
  const cache = `${dir}/cache`
  const trying = (path: string) => run(['true'], { root, rootfs: { layout: path, cache } })
  const layout = new Layout(`${dir}/layout`)
  const layer = gzipSync(base(dir))
  const digest = layout.add([layer])
  const file = layout.file(`sha256:${createHash('sha256').update(layer).digest('hex')}`)
  appendFileSync(file, 'x')
  await t.throwsAsync(trying(layout.path), { code: 'ERR_IMAGE', message: /other content than its digest says/ })
  const harmless = Buffer.from(layer)
  harmless[4] = (harmless[4] ?? 0) ^ 1 // the time in gzip's header
  writeFileSync(file, harmless)
  await t.throwsAsync(trying(layout.path), { code: 'ERR_IMAGE', message: /other content than its digest says/ })
  writeFileSync(file, layer)
  appendFileSync(layout.file(digest), ' ')
  await t.throwsAsync(trying(layout.path), { code: 'ERR_IMAGE', message: /other content/ })
  layout.manifests.splice(0, 1, { mediaType: 'x', digest: 'sha256:../../../../etc/passwd', size: 1 })
  layout.write()
  await t.throwsAsync(trying(layout.path), { code: 'ERR_IMAGE', message: /no digest/ })
  await t.throwsAsync(trying(`${dir}/none`), { code: 'ERR_IMAGE', message: /ENOENT/ })
  writeFileSync(`${layout.path}/index.json`, '{')
  await t.throwsAsync(trying(layout.path), { code: 'ERR_IMAGE', message: /index\.json is no JSON/ })
  t.deepEqual(readdirSync(cache), [])
})

apiTest('an archive that is damaged or too large leaves nothing in the cache', async (t, { root, dir }) => {
  const cache = `${dir}/cache`
  const tar = base(dir)
  await t.throwsAsync(run(['true'], { root, rootfs: { tar: tar.subarray(0, 5000), cache } }), { code: 'ERR_ARCHIVE' })
  await t.throwsAsync(run(['true'], { root, rootfs: { tar, cache, maxSize: 1000 } }), {
    message: /more than 1000 bytes/,
  })
  await t.throwsAsync(run(['true'], { root, rootfs: { tar: `${dir}/none`, cache } }), {
    code: 'ERR_IMAGE',
    message: /ENOENT/,
  })
  t.deepEqual(readdirSync(cache), [])
})

apiTest('a cache that others may write to is not used, and remains of the dead go', async (t, { root, dir }) => {
  const cache = `${dir}/cache`
  mkdirSync(cache)
  chmodSync(cache, 0o777)
  const rootfs = { tar: base(dir), cache }
  await t.throwsAsync(run(['true'], { root, rootfs }), { code: 'ERR_IMAGE', message: /others may write/ })
  chmodSync(cache, 0o700)
  const dead = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim()
  mkdirSync(`${cache}/.new-${dead}-x`)
  mkdirSync(`${cache}/.new-${process.pid}-x`)
  await run(['true'], { root, rootfs })
  t.false(existsSync(`${cache}/.new-${dead}-x`))
  t.true(existsSync(`${cache}/.new-${process.pid}-x`))
})
