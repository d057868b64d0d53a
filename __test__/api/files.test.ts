/** Files in a container, whose programs may have put anything anywhere. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { GantryError, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

apiTest('files are written, read, listed and removed', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  const { fs } = box
  await fs.mkdir('/tmp/a/b', { recursive: true })
  await fs.writeFile('/tmp/a/b/c', 'grüße\n', { mode: 0o640 })
  await fs.writeFile('/tmp/a/b/c', new Uint8Array([33]), { flag: 'a' })
  t.is(await fs.readFile('/tmp/a/b/c', 'utf8'), 'grüße\n!')
  t.deepEqual(await fs.readFile('tmp/a/../a/b/c'), Buffer.from('grüße\n!'))
  await fs.symlink('b/c', '/tmp/a/link')
  t.is(await fs.readlink('/tmp/a/link'), 'b/c')
  t.deepEqual(await fs.readdir('/tmp/a'), [
    { name: 'b', kind: 'directory' },
    { name: 'link', kind: 'link' },
  ])
  t.like(await fs.stat('/tmp/a/link'), { kind: 'file', size: 9, mode: 0o100640 })
  t.is((await fs.lstat('/tmp/a/link')).kind, 'link')
  // Made by the container's root, for its programs.
  t.is((await box.exec(['sh', '-c', 'stat -c "%u %g %a" /tmp/a/b/c; rm /tmp/a/b/c'])).stdout, '0 0 640\n')
  await t.throwsAsync(fs.writeFile('/tmp/a/link', '', { flag: 'wx' }), { instanceOf: GantryError })
  await fs.rename('/tmp/a/b', '/tmp/d')
  await t.throwsAsync(fs.rm('/tmp/a'), { message: /is a directory/ })
  await fs.rm('/tmp/a', { recursive: true })
  await fs.rm('/tmp/a', { recursive: true, force: true })
  const error = await t.throwsAsync(fs.rm('/tmp/a'), { instanceOf: GantryError })
  t.like(error, { errno: 2, path: '/tmp/a', step: 'remove' })
  t.deepEqual(await fs.readdir('/tmp'), [{ name: 'd', kind: 'directory' }])
})

apiTest('streams carry what is too large to hold', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  const size = 20 << 20
  await pipeline([Buffer.alloc(size, 'x')], await box.fs.createWriteStream('/tmp/large'))
  let read = 0
  for await (const chunk of await box.fs.createReadStream('/tmp/large')) read += chunk.length
  t.is(read, size)
})

apiTest('no path leads out of the container, and none keeps a call waiting', async (t, { root, dir }) => {
  await using box = await sandbox({ root, cwd: '/' })
  writeFileSync(`${dir}/secret`, 'secret')
  const up = '../'.repeat(20)
  const script = `cd /tmp; ln -s ${dir}/secret secret; ln -s ${up}${dir} up; ln -s / root; mkfifo fifo; ln -s /proc/1/root out
    ln -s /proc/self/fd/0 fd; ln -s loop loop; ln -s /dev/zero zero`
  t.is((await box.exec(['sh', '-c', script])).exitCode, 0)
  for (const path of [
    'secret',
    'up/secret',
    `${up}${dir}/secret`,
    `root/${dir}/secret`,
    `out/${dir}/secret`,
    'fd',
    'loop',
  ]) {
    const error = await t.throwsAsync(box.fs.readFile(`/tmp/${path}`), { instanceOf: GantryError }, path)
    t.true([2, 13, 40].includes(error?.errno ?? 0), `${path}: ${error?.message}`)
  }
  for (const path of ['/tmp/fifo', '/tmp/zero', '/dev/zero']) {
    await t.throwsAsync(box.fs.readFile(path), { instanceOf: GantryError, message: /open/ })
    await t.throwsAsync(box.fs.writeFile(path, 'x'), { instanceOf: GantryError })
  }
  await t.throwsAsync(box.fs.writeFile(`/tmp/up/new`, 'x'), { instanceOf: GantryError })
  t.deepEqual(readdirSync(dir).sort(), ['canary', 'secret', 'state'])
  // This machine is read-only for us too, through the sandbox's eyes.
  await t.throwsAsync(box.fs.writeFile('/etc/motd', 'x'), { instanceOf: GantryError, message: /open \/etc\/motd/ })
  await t.throwsAsync(box.fs.readFile('/etc/shadow'), { message: /permission denied/ })
  await t.throwsAsync(box.fs.rm('/', { recursive: true }), { instanceOf: GantryError })
  await t.throwsAsync(box.fs.rm('/tmp/..', { recursive: true }), { instanceOf: GantryError })
})

apiTest('trees are copied in and out', async (t, { root, dir }) => {
  await using box = await sandbox({ root, cwd: '/' })
  mkdirSync(`${dir}/tree/sub`, { recursive: true })
  writeFileSync(`${dir}/tree/sub/script`, '#!/bin/sh\necho copied\n')
  chmodSync(`${dir}/tree/sub/script`, 0o755)
  symlinkSync('sub/script', `${dir}/tree/link`)
  await box.fs.copyIn(`${dir}/tree`, '/tmp/tree')
  t.is((await box.exec(['/tmp/tree/link'])).stdout, 'copied\n')
  await box.exec(['sh', '-c', 'cd /tmp/tree; echo made > sub/made; ln -s /etc/passwd passwd; chmod 700 sub'])
  await box.fs.copyOut('/tmp/tree', `${dir}/back`)
  t.is(readFileSync(`${dir}/back/sub/made`, 'utf8'), 'made\n')
  t.is(readlinkSync(`${dir}/back/passwd`), '/etc/passwd')
  t.is(statSync(`${dir}/back/sub`).mode & 0o777, 0o700)
  t.is(statSync(`${dir}/back/sub/script`).mode & 0o777, 0o755)
  await t.throwsAsync(box.fs.copyOut('/tmp/tree', `${dir}/back`), { code: 'ERR_COPY', message: /EEXIST/ })
  await t.throwsAsync(box.fs.copyIn(`${dir}/none`, '/tmp/x'), { code: 'ERR_COPY', message: /ENOENT/ })
  await box.exec(['mkfifo', '/tmp/fifo'])
  await t.throwsAsync(box.fs.copyOut('/tmp/fifo', `${dir}/fifo`), { code: 'ERR_INVALID_ARGUMENT' })
  t.false(existsSync(`${dir}/fifo`))
})

apiTest('files of a container that is gone are an error', async (t, { root }) => {
  const box = await sandbox({ root, cwd: '/' })
  await box.destroy()
  await t.throwsAsync(box.fs.readFile('/etc/passwd'), { code: 'ERR_NOT_FOUND' })
})
