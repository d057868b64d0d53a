/**
 * Images and archives as directories. Each is unpacked once, into a directory named after its content, and used from there by every
 * sandbox after that; what is not complete has another name, so nothing is ever used half unpacked.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { GantryError } from '../errors.js'
import { absolutePath } from '../lifecycle/paths.js'
import type { SandboxOptions } from '../lifecycle/sandbox.js'
import { type Archive, unpacked, untarLimits } from './archive.js'
import { blobPath, readLayout, wrong } from './layout.js'
import type { Image } from './rootfs.js'

/** What a sandbox is to be, before its image is a directory. */
export interface Boxed extends SandboxOptions {
  readonly image?: Image
}

/** The same with the directory of the image, and what the image says of environment and working directory. */
export async function withImage({ image, ...box }: Boxed, here: string): Promise<SandboxOptions> {
  if (image === undefined) return box
  const cache = await openCache(absolutePath(here, image.cache ?? defaultCache()))
  if (!('layout' in image)) return { ...box, rootfs: await unpackedTar(cache, image.tar, image.maxSize, here) }
  const { layers, digest, env, cwd } = await readLayout(absolutePath(here, image.layout), image)
  const rootfs = await once(cache, digest.replace(':', '-'), async (directory) => {
    let left = untarLimits(image).mostBytes
    for (const layer of layers) left -= await unpackLayer(absolutePath(here, image.layout), layer, directory, left)
  })
  const names = new Set(box.env.map((entry) => entry.split('=')[0]))
  const added = env.filter((entry) => !names.has(entry.split('=')[0]))
  return { ...box, rootfs, env: [...added, ...box.env], cwd: box.cwd ?? cwd }
}

function defaultCache(): string {
  if (process.geteuid?.() === 0) return '/var/cache/gantry'
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gantry')
}

/** Made if it is missing. Nobody else may write to it: what is in it is believed. */
async function openCache(path: string): Promise<string> {
  return await onDisk(path, async () => {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const { uid, mode } = await lstat(path)
    if (uid === process.geteuid?.() && (mode & 0o170022) === 0o040000) return path
    throw new GantryError(
      'ERR_IMAGE',
      `the cache ${path} can't be used: others may write to it, or it is no directory`,
      { path },
    )
  })
}

/** A file stands for its content as long as it does not change. */
async function unpackedTar(
  cache: string,
  tar: string | Archive,
  maxSize: number | undefined,
  here: string,
): Promise<string> {
  if (typeof tar === 'string') {
    const path = absolutePath(here, tar)
    const { dev, ino, size, mtimeNs, ctimeNs } = await onDisk(path, () => lstatFile(path))
    const identity = createHash('sha256').update([path, dev, ino, size, mtimeNs, ctimeNs].join('\n')).digest('hex')
    return await once(cache, `file-${identity}`, (directory) => unpackInto(directory, createReadStream(path), maxSize))
  }
  if (tar instanceof Uint8Array) {
    const bytes = Buffer.from(tar)
    const name = `sha256-${createHash('sha256').update(bytes).digest('hex')}`
    return await once(cache, name, (directory) => unpackInto(directory, bytes, maxSize))
  }
  const digest = createHash('sha256')
  const own = await newDirectory(cache)
  return await placed(cache, own, async () => {
    await unpackInto(
      own,
      noting(tar, (chunk) => digest.update(chunk)),
      maxSize,
    )
    return `sha256-${digest.digest('hex')}`
  })
}

async function lstatFile(path: string) {
  const file = await open(path, 'r')
  try {
    return await file.stat({ bigint: true })
  } finally {
    await file.close()
  }
}

async function unpackInto(path: string, archive: Archive, maxSize?: number): Promise<void> {
  await unpacked(archive, { path, layer: true, ...untarLimits({ maxSize }) })
}

/** Gives how many bytes of files were in it. */
async function unpackLayer(
  layout: string,
  layer: Parameters<typeof blobPath>[1],
  path: string,
  left: number,
): Promise<number> {
  const { file, algorithm, hash } = blobPath(layout, layer)
  const digest = createHash(algorithm)
  let length = 0
  const blob = noting(createReadStream(file), (chunk) => {
    digest.update(chunk)
    length += chunk.length
  })
  const bytes = await unpacked(blob, { path, layer: true, ...untarLimits({ maxSize: left }) })
  if (digest.digest('hex') !== hash || length !== layer.size) {
    throw wrong(layout, `${layer.digest} has other content than its digest says`)
  }
  return bytes
}

/** The same stream; `note` hears of each chunk. */
function noting(stream: Exclude<Archive, Uint8Array>, note: (chunk: Uint8Array) => void): Readable {
  async function* chunks() {
    for await (const chunk of 'getReader' in stream ? Readable.from(stream) : stream) {
      note(chunk)
      yield chunk
    }
  }
  return Readable.from(chunks(), { objectMode: false })
}

/** By what they will be in the cache: two sandboxes at once have one image unpacked. */
const underWay = new Map<string, Promise<string>>()

/** The directory of that name, which `fill` fills where it is not there yet. */
async function once(cache: string, name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const path = join(cache, name)
  const known = underWay.get(path)
  if (known !== undefined) return await known
  const making = make()
  underWay.set(path, making)
  try {
    return await making
  } finally {
    underWay.delete(path)
  }

  async function make(): Promise<string> {
    if (await isThere(path)) return path
    const own = await newDirectory(cache)
    return await placed(cache, own, async () => {
      await fill(own)
      return name
    })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory()
  } catch {
    return false
  }
}

/** One that nobody uses before it has its final name. The process is in it: what one has left that was killed goes first. */
async function newDirectory(cache: string): Promise<string> {
  return await onDisk(cache, async () => {
    for (const name of await readdir(cache)) {
      const pid = Number(/^\.new-([0-9]+)-/.exec(name)?.[1])
      if (pid > 0 && !isAlive(pid)) await rm(join(cache, name), { recursive: true, force: true }).catch(() => undefined)
    }
    const path = join(cache, `.new-${process.pid}-${randomUUID()}`)
    await mkdir(path, { mode: 0o755 })
    return path
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Gives a directory the name that `fill` ends with, unless another with the same content has it by then. */
async function placed(cache: string, own: string, fill: () => Promise<string>): Promise<string> {
  try {
    const path = join(cache, await fill())
    try {
      await rename(own, path)
    } catch (error) {
      if (!(await isThere(path))) throw error
      await rm(own, { recursive: true, force: true })
    }
    return path
  } catch (error) {
    await rm(own, { recursive: true, force: true }).catch(() => undefined)
    throw error
  }
}

async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GantryError('ERR_IMAGE', `${path} can't be used: ${reason}`, { path, cause })
  }
}
