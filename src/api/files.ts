/** Files in a container, in the manner of node:fs/promises. No path leaves the container's root: the addon resolves them there. */
import { Buffer } from 'node:buffer'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isUint8Array } from 'node:util/types'
import { GantryError } from '../errors.js'
import type { ContainerRef } from '../host/host.js'
import { operateOnFiles } from '../host/node.js'
import { type Archive, packed, type UntarOptions, unpacked, untarLimits } from './archive.js'
import {
  checkBoolean,
  checkNumber,
  checkOneOf,
  checkString,
  describe,
  invalidArgument,
  reading,
  readOptions,
} from './arguments.js'
import { guarded } from './context.js'

export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'link' | 'special'
  /** With the bits of its type: st_mode of inode(7). */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  /** Ids of this machine, not of the container. */
  readonly uid: number
  readonly gid: number
  readonly mtime: Date
}

export interface FileEntry {
  readonly name: string
  readonly kind: FileStatus['kind']
}

export interface WriteOptions {
  /** 0o666 less the umask by default. */
  readonly mode?: number
  /** `w`: what was there goes. `a`: it stays before. `wx`: nothing may be there. */
  readonly flag?: 'w' | 'a' | 'wx'
}

/**
 * Files in a container that is there, running or not yet started. Paths start at its root; links are followed inside it. What is made
 * belongs to the container's root. Regular files only are read and written: nothing in a container can keep a call waiting.
 */
export interface ContainerFs {
  readFile(path: string): Promise<Buffer>
  readFile(path: string, encoding: BufferEncoding): Promise<string>
  writeFile(path: string, data: string | Uint8Array, options?: WriteOptions): Promise<void>
  createReadStream(path: string): Promise<Readable>
  createWriteStream(path: string, options?: WriteOptions): Promise<Writable>
  mkdir(path: string, options?: { readonly recursive?: boolean; readonly mode?: number }): Promise<void>
  /** In the order of their names. */
  readdir(path: string): Promise<FileEntry[]>
  rm(path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }): Promise<void>
  rename(from: string, to: string): Promise<void>
  symlink(target: string, path: string): Promise<void>
  readlink(path: string): Promise<string>
  stat(path: string): Promise<FileStatus>
  /** Of a link itself. */
  lstat(path: string): Promise<FileStatus>
  /** Copies a file, or a directory with all that is in it, into the container; `to` names the copy. */
  copyIn(from: string, to: string): Promise<void>
  /** Copies out of it; `to` must not be there. Devices, sockets and FIFOs are an error. */
  copyOut(from: string, to: string): Promise<void>
  /**
   * What is in a directory, as a tar archive, with the container's ids. It begins when it is read; what goes wrong is the stream's error.
   * Sockets are left out.
   */
  tar(path: string): Readable
  /**
   * Unpacks a tar archive, compressed by gzip or zstd or not, into a directory, which is made if it is missing. What is there and has the same
   * name is replaced, but for directories. Nothing gets out of the directory that `path` leads to; set-user-ID bits and extended attributes
   * are not kept, owners that the container has no ids for become its root, and a device is an error.
   */
  untar(path: string, archive: Archive, options?: UntarOptions): Promise<void>
}

interface Outcome {
  readonly descriptor?: number
  readonly entries?: FileEntry[]
  readonly text?: string
  readonly status?: Omit<FileStatus, 'mtime'> & { readonly mtime: number }
}

export class Files implements ContainerFs {
  constructor(private readonly container: ContainerRef) {}

  readFile(path: string): Promise<Buffer>
  readFile(path: string, encoding: BufferEncoding): Promise<string>
  readFile(path: string, encoding?: BufferEncoding): Promise<Buffer | string> {
    return guarded(async () => {
      if (encoding !== undefined && !Buffer.isEncoding(encoding))
        throw invalidArgument(`encoding: ${describe(encoding)} is none`)
      const chunks: Buffer[] = []
      for await (const chunk of await this.#read(path)) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      return encoding === undefined ? bytes : bytes.toString(encoding)
    })
  }

  writeFile(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    return guarded(async () => {
      if (typeof data !== 'string' && !isUint8Array(data)) throw invalidArgument('data: expected a string or bytes')
      const bytes = reading('data', () => (typeof data === 'string' ? data : Buffer.from(data)))
      await pipeline([bytes], await this.#write(path, options))
    })
  }

  createReadStream(path: string): Promise<Readable> {
    return guarded(() => this.#read(path))
  }

  createWriteStream(path: string, options: WriteOptions = {}): Promise<Writable> {
    return guarded(() => this.#write(path, options))
  }

  mkdir(path: string, options: { readonly recursive?: boolean; readonly mode?: number } = {}): Promise<void> {
    return guarded(async () => {
      const { recursive = false, mode = 0o777 } = readOptions(options, ['recursive', 'mode'])
      checkBoolean('recursive', recursive)
      await this.#operate({ makeDirectory: { path: pathOf(path), mode: modeOf(mode), recursive } })
    })
  }

  readdir(path: string): Promise<FileEntry[]> {
    return guarded(async () => (await this.#operate({ list: { path: pathOf(path) } })).entries ?? [])
  }

  rm(path: string, options: { readonly recursive?: boolean; readonly force?: boolean } = {}): Promise<void> {
    return guarded(async () => {
      const { recursive = false, force = false } = readOptions(options, ['recursive', 'force'])
      checkBoolean('recursive', recursive)
      checkBoolean('force', force)
      const removing = guarded(() => this.#operate({ remove: { path: pathOf(path), recursive } }))
      await removing.catch((error: unknown) => {
        if (!(force && error instanceof GantryError && error.errno === enoent)) throw error
      })
    })
  }

  rename(from: string, to: string): Promise<void> {
    return guarded(async () => void (await this.#operate({ rename: { from: pathOf(from), to: pathOf(to) } })))
  }

  symlink(target: string, path: string): Promise<void> {
    return guarded(async () => void (await this.#operate({ makeLink: { target: pathOf(target), path: pathOf(path) } })))
  }

  readlink(path: string): Promise<string> {
    return guarded(async () => (await this.#operate({ readLink: { path: pathOf(path) } })).text ?? '')
  }

  stat(path: string): Promise<FileStatus> {
    return guarded(() => this.#stat(path, true))
  }

  lstat(path: string): Promise<FileStatus> {
    return guarded(() => this.#stat(path, false))
  }

  copyIn(from: string, to: string): Promise<void> {
    return guarded(async () => {
      checkString('from', from)
      await hostErrors(from, () => this.#copyIn(from, to))
    })
  }

  copyOut(from: string, to: string): Promise<void> {
    return guarded(async () => {
      checkString('to', to)
      await hostErrors(to, () => this.#copyOut(from, to))
    })
  }

  tar(path: string): Readable {
    return packed(
      this.container,
      reading('path', () => pathOf(path)),
    )
  }

  untar(path: string, archive: Archive, options: UntarOptions = {}): Promise<void> {
    return guarded(async () => {
      const limits = untarLimits(readOptions(options, ['maxSize', 'maxEntries']))
      await unpacked(archive, { container: this.container, path: pathOf(path), layer: false, ...limits })
    })
  }

  async #copyIn(from: string, to: string): Promise<void> {
    const found = await lstat(from)
    if (found.isSymbolicLink()) return await this.symlink(await readlink(from), to)
    if (found.isFile()) {
      const options = { mode: found.mode & 0o777 }
      return await pipeline(createReadStream(from), await this.#write(to, options))
    }
    if (!found.isDirectory()) throw invalidArgument(`${from}: neither a file nor a directory nor a link`)
    await this.mkdir(to, { recursive: true, mode: found.mode & 0o777 })
    for (const name of await readdir(from)) await this.#copyIn(join(from, name), `${to}/${name}`)
  }

  async #copyOut(from: string, to: string): Promise<void> {
    const { kind, mode } = await this.#stat(from, false)
    // Each of these fails where there is something already: a link would lead anywhere.
    if (kind === 'link') await symlink(await this.readlink(from), to)
    else if (kind === 'file') {
      await pipeline(await this.#read(from), createWriteStream(to, { flags: 'wx', mode: mode & 0o777 }))
    } else if (kind === 'directory') {
      await mkdir(to, { mode: 0o700 })
      for (const { name } of await this.readdir(from)) await this.#copyOut(`${from}/${name}`, join(to, name))
      await chmod(to, mode & 0o777)
    } else throw invalidArgument(`${from}: neither a file nor a directory nor a link`)
  }

  async #stat(path: string, follow: boolean): Promise<FileStatus> {
    const { status } = await this.#operate({ stat: { path: pathOf(path), follow } })
    if (status === undefined) throw new GantryError('ERR_INTERNAL', `no status of ${path}`)
    return { ...status, mtime: new Date(status.mtime * 1000) }
  }

  async #read(path: string): Promise<Readable> {
    const options = { path: pathOf(path), write: false, append: false, exclusive: false, mode: 0 }
    return createReadStream('', { fd: await this.#open(options) })
  }

  async #write(path: string, options: WriteOptions): Promise<Writable> {
    const { mode = 0o666, flag = 'w' } = readOptions(options, ['mode', 'flag'])
    checkOneOf('flag', flag, ['w', 'a', 'wx'])
    const request = { append: flag === 'a', exclusive: flag === 'wx', mode: modeOf(mode) }
    return createWriteStream('', { fd: await this.#open({ path: pathOf(path), write: true, ...request }) })
  }

  async #open(open: object): Promise<number> {
    const { descriptor } = await this.#operate({ open })
    if (descriptor === undefined) throw new GantryError('ERR_INTERNAL', 'no descriptor of a file')
    return descriptor
  }

  async #operate(operation: object): Promise<Outcome> {
    const outcome: unknown = await operateOnFiles(this.container, operation)
    return typeof outcome === 'object' && outcome !== null ? outcome : {}
  }
}

const enoent = 2

function pathOf(path: unknown): string {
  if (typeof path !== 'string' || path === '') throw invalidArgument('path: expected a string')
  if (path.includes('\0')) throw invalidArgument('path: it has a NUL byte')
  return path
}

function modeOf(mode: number): number {
  checkNumber('mode', mode, 0, 0o7777)
  if (!Number.isInteger(mode)) throw invalidArgument('mode: expected a whole number')
  return mode
}

/** What fails on this machine's side, as an error of ours. */
async function hostErrors(path: string, copy: () => Promise<void>): Promise<void> {
  try {
    await copy()
  } catch (cause) {
    if (!(cause instanceof Error) || !('errno' in cause) || cause instanceof GantryError) throw cause
    const errno = typeof cause.errno === 'number' ? Math.abs(cause.errno) : undefined
    throw new GantryError('ERR_COPY', cause.message, { step: 'copy', errno, path, cause })
  }
}
