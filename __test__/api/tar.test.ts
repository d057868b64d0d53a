/** `container.fs.tar` and `untar`: archives in and out of a container, honest and hostile ones. */
import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { create, run, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

/** An archive made by Python's tarfile, of entries that no honest program writes. */
function crafted(...entries: readonly string[]): Buffer {
  const script = [
    'import tarfile, sys, io',
    't = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT)',
    'def add(name, type=tarfile.REGTYPE, link="", data=b"", mode=0o644, uid=0, gid=0):',
    '  i = tarfile.TarInfo(name); i.type = type; i.linkname = link; i.size = len(data); i.mode = mode; i.uid = uid; i.gid = gid',
    '  t.addfile(i, io.BytesIO(data))',
    ...entries,
    't.close()',
  ]
  return execFileSync('python3', ['-c', script.join('\n')], { maxBuffer: 64 << 20 })
}

apiTest('what is untarred can be tarred again, with its ids and links', async (t, { root, dir }) => {
  mkdirSync(`${dir}/tree/sub`, { recursive: true })
  writeFileSync(`${dir}/tree/sub/run`, '#!/bin/sh\n', { mode: 0o755 })
  symlinkSync('sub/run', `${dir}/tree/link`)
  const tarball = execFileSync('tar', ['-C', `${dir}/tree`, '--owner=33:33', '--group=33:33', '-c', '.'])
  await using box = await sandbox({ root, cwd: '/' })
  await box.fs.untar('/tmp/new/tree', tarball)
  const listed = await box.exec(['sh', '-c', 'cd /tmp/new/tree; stat -c "%n %a %u:%g %N" sub/run link'])
  t.is(listed.stdout, "sub/run 755 33:33 'sub/run'\nlink 777 33:33 'link' -> 'sub/run'\n")
  const back = await buffer(box.fs.tar('/tmp/new/tree'))
  const names = execFileSync('tar', ['-tv', '--numeric-owner'], { input: back, encoding: 'utf8' })
  t.regex(names, /^-rwxr-xr-x 33\/33 .* sub\/run$/m)
  t.regex(names, /^lrwxrwxrwx 33\/33 .* link -> sub\/run$/m)
})

apiTest('gzip and zstd are undone, from bytes and from streams of both kinds', async (t, { root, dir }) => {
  const tarball = crafted('add("x", data=b"content")')
  writeFileSync(`${dir}/x.tar`, tarball)
  const zstd = execFileSync('python3', ['-c', zstdStored], { input: tarball })
  await using box = await sandbox({ root, cwd: '/' })
  const streams = { file: createReadStream(`${dir}/x.tar`), web: Readable.toWeb(Readable.from([tarball])) }
  const archives = { plain: tarball, gzip: gzipSync(tarball), zstd, ...streams }
  for (const [name, archive] of Object.entries(archives)) {
    await box.fs.untar(`/tmp/${name}`, archive)
    t.is(await box.fs.readFile(`/tmp/${name}/x`, 'utf8'), 'content', name)
  }
})

/** Zstandard without compressing: a frame of raw blocks. */
const zstdStored = `
import sys
data = sys.stdin.buffer.read()
out = bytes.fromhex('28b52ffd') + bytes([0xa0]) + len(data).to_bytes(4, 'little')
for at in range(0, len(data), 65536):
  block = data[at:at + 65536]
  out += ((len(block) << 3) | (at + 65536 >= len(data))).to_bytes(3, 'little') + block
sys.stdout.buffer.write(out)
`

apiTest('no archive gets out of the container', async (t, { root, dir }) => {
  const outside = `${dir}/outside`
  mkdirSync(outside)
  writeFileSync(`${outside}/file`, 'untouched')
  const writable = `${dir}/writable`
  mkdirSync(writable)
  await using box = await sandbox({ root, cwd: '/', rootfs: { host: true, writable: [writable] } })
  const untar = (...entries: string[]) => box.fs.untar(writable, crafted(...entries))
  await t.throwsAsync(untar('add("../outside/new", data=b"x")'), {
    code: 'ERR_ARCHIVE',
    message: /leads out of the archive/,
  })
  await t.throwsAsync(untar(`add("l", tarfile.SYMTYPE, "${outside}")`, 'add("l/file", data=b"x")'), {
    message: /l\/file: file exists/,
  })
  await t.throwsAsync(untar(`add("h", tarfile.LNKTYPE, "${outside}/file")`), { message: /no such file/ })
  await t.throwsAsync(untar('add("h", tarfile.LNKTYPE, "../outside/file")'), { message: /leads out of the archive/ })
  await t.throwsAsync(untar('add("null", tarfile.CHRTYPE)'), { message: /null, a device/ })
  await t.throwsAsync(box.fs.untar('/etc', crafted('add("new", data=b"x")')), { message: /read-only file system/ })
  await untar('add("setuid", data=b"x", mode=0o6755)', 'add("/absolute", data=b"x")')
  t.is(statSync(`${writable}/setuid`).mode & 0o7777, 0o755)
  t.true(existsSync(`${writable}/absolute`))
  t.is(readFileSync(`${outside}/file`, 'utf8'), 'untouched')
})

apiTest('bombs end at the limits', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/', limits: { memory: 64 << 20 } })
  const bomb = gzipSync(crafted('add("zeros", data=bytes(32 << 20))'))
  await t.throwsAsync(box.fs.untar('/tmp/a', bomb, { maxSize: 1 << 20 }), {
    code: 'ERR_ARCHIVE',
    message: /more than 1048576 bytes/,
  })
  const many = crafted('[add(str(n)) for n in range(50)]')
  await t.throwsAsync(box.fs.untar('/tmp/b', many, { maxEntries: 10 }), {
    code: 'ERR_ARCHIVE',
    message: /more than 10 entries/,
  })
  await t.throwsAsync(box.fs.untar('/tmp/c', many, { maxSize: -1 }), { code: 'ERR_INVALID_ARGUMENT' })
})

apiTest('an archive or a stream that breaks off is an error', async (t, { root }) => {
  const tarball = crafted('add("x", data=bytes(100000))')
  await using box = await sandbox({ root, cwd: '/' })
  await t.throwsAsync(box.fs.untar('/tmp/a', tarball.subarray(0, 5000)), { code: 'ERR_ARCHIVE' })
  async function* breaking() {
    yield tarball.subarray(0, 5000)
    throw new Error('no more')
  }
  await t.throwsAsync(box.fs.untar('/tmp/b', Readable.from(breaking())), { code: 'ERR_INPUT', message: /no more/ })
  // Refused before it ends: whoever writes it is not waited for.
  const endless = new Readable({ read: () => undefined })
  endless.push(crafted('add("../x")'))
  await t.throwsAsync(box.fs.untar('/tmp/c', endless), { code: 'ERR_ARCHIVE' })
  t.true(endless.destroyed)
  const odd: never[] = []
  await t.throwsAsync(box.fs.untar('/tmp/d', Object.assign(odd)), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /archive: /,
  })
})

apiTest('tar fails as a stream does, and one that nobody reads costs nothing', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  box.fs.tar('/tmp')
  await t.throwsAsync(buffer(box.fs.tar('/no/such')), { message: /open \/no\/such: no such file/ })
  await t.throwsAsync(buffer(box.fs.tar('/etc/passwd')), { message: /not a directory/ })
  await box.exec(['sh', '-c', 'head -c 10000000 /dev/zero > /tmp/big'])
  const left = box.fs.tar('/tmp')
  for await (const chunk of left) {
    t.true(chunk.length > 0)
    break
  }
  t.true(left.destroyed)
  t.throws(() => box.fs.tar(''), { code: 'ERR_INVALID_ARGUMENT' })
})

apiTest('what is closed to the container is not packed', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  await t.throwsAsync(buffer(box.fs.tar('/root')), { code: 'ERR_PERMISSION' })
})

apiTest('a container that was not started takes an archive', async (t, { root, id, bundle }) => {
  const path = bundle(['cat', '/new/x'], (spec) => {
    spec.root = { ...spec.root, readonly: false }
  })
  await using container = await create(path, { root, id })
  await container.fs.untar('/new', crafted('add("x", data=b"content", uid=5, gid=6)'))
  await container.start()
  t.is((await container.wait()).stdout, 'content')
  const { uid, gid } = await container.fs.stat('/new/x').catch(() => statSync(`${path}/rootfs/new/x`))
  t.deepEqual([uid, gid], [5, 6])
  t.is((await run(['true'], { root })).exitCode, 0)
})
