/**
 * Tar archives as streams: what the addon packs and unpacks goes through pipes that the event loop serves, so that whoever is slow makes
 * the other side wait.
 */
import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isUint8Array } from 'node:util/types'
import { GantryError, toGantryError } from '../errors.js'
import type { ContainerRef } from '../host/host.js'
import { openPipe, packArchive, type UnpackRequest, unpackArchive } from '../host/node.js'
import { checkNumber, describe, invalidArgument, reading } from './arguments.js'
import { isReadable } from './stdio.js'

/** Bytes, or a stream, which is read to its end. */
export type Archive = Readable | ReadableStream<Uint8Array> | Uint8Array

/** Against archives that are small and become large. */
export interface UntarOptions {
  /** Bytes in files: 16 GiB by default. */
  readonly maxSize?: number
  /** 1,000,000 by default. */
  readonly maxEntries?: number
}

const defaultMaxSize = 16 * 2 ** 30
const defaultMaxEntries = 1_000_000

export function untarLimits({ maxSize = defaultMaxSize, maxEntries = defaultMaxEntries }: UntarOptions) {
  for (const [name, value] of Object.entries({ maxSize, maxEntries })) {
    checkNumber(name, value, 0, Number.MAX_SAFE_INTEGER)
    if (!Number.isInteger(value)) throw invalidArgument(`${name}: expected a whole number`)
  }
  return { mostBytes: maxSize, mostEntries: maxEntries }
}

/** Unpacks an archive, which is read to its end; gives the bytes in its files. */
export async function unpacked(archive: Archive, request: UnpackRequest): Promise<number> {
  const source = sourceOf(archive)
  const [read, write] = openPipe()
  const pipe = new Socket({ fd: write, readable: false, writable: true })
  const refused = new AbortController()
  const unpacking = unpackArchive(request, read).then(
    (bytes) => ({ bytes }),
    (error: unknown) => {
      refused.abort()
      return { error }
    },
  )
  const broken = await pipeline(source, pipe, { signal: refused.signal }).then(
    () => undefined,
    // That nobody reads any more is for the other side to explain.
    (cause: unknown) => (refused.signal.aborted || isBrokenPipe(cause) ? undefined : { cause }),
  )
  const outcome = await unpacking
  if (broken !== undefined) {
    const text = broken.cause instanceof Error ? broken.cause.message : describe(broken.cause)
    throw new GantryError('ERR_INPUT', `the archive could not be read: ${text}`, { cause: broken.cause })
  }
  if ('error' in outcome) throw outcome.error
  return outcome.bytes
}

function sourceOf(archive: Archive): Readable {
  if (isUint8Array(archive)) return Readable.from([reading('archive', () => Buffer.from(archive))])
  if (!isReadable(archive)) throw invalidArgument('archive: expected bytes or a stream')
  return 'getReader' in archive ? Readable.from(archive) : archive
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ECONNRESET')
}

/** What a directory holds, as an archive. Nothing happens before it is read. */
export function packed(container: ContainerRef, path: string): Readable {
  async function* read(): AsyncGenerator<Uint8Array> {
    const [from, to] = openPipe()
    const pipe = new Socket({ fd: from, readable: true, writable: false })
    const packing = packArchive(container, path, to)
    packing.catch(() => undefined)
    try {
      yield* pipe
      // That it ended does not tell whether that is all of it.
      await packing
    } catch (error) {
      throw toGantryError(error)
    } finally {
      pipe.destroy()
    }
  }
  return Readable.from(read(), { objectMode: false })
}
