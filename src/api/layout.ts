/** Reading an OCI image layout (image-spec, image-layout.md): from index.json to the layers, each blob held to its digest. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { GantryError } from '../errors.js'
import { describe } from './arguments.js'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

export interface LayoutImage {
  /** Of the manifest. */
  readonly digest: string
  /** The lowest first. */
  readonly layers: readonly Descriptor[]
  readonly env: readonly string[]
  readonly cwd?: string
}

/** Of documents: as much as registries take. */
const largest = 4 << 20

/** Indexes in indexes. */
const deepest = 4

export async function readLayout(
  path: string,
  { ref, platform }: { ref?: string; platform?: string },
): Promise<LayoutImage> {
  const layout = record(await readJson(path, 'oci-layout'), 'oci-layout')
  if (layout.imageLayoutVersion !== '1.0.0') {
    throw wrong(path, `oci-layout: version ${describe(layout.imageLayoutVersion)} is not 1.0.0`)
  }
  const wanted = platform ?? `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  const digest = await findManifest(path, await readJson(path, 'index.json'), { ref, platform: wanted }, deepest)
  const manifest = record(await readBlob(path, digest), 'manifest')
  const layers = list(manifest.layers, 'layers').map((layer) => descriptor(layer, 'layers'))
  for (const { mediaType } of layers) {
    if (!/\btar\b/.test(mediaType) || /encrypted/.test(mediaType))
      throw wrong(path, `a layer is ${mediaType}, and no tar archive`)
  }
  const settings = record(await readBlob(path, descriptor(manifest.config, 'config')), 'config')
  const { Env: env, WorkingDir: cwd } = record(settings.config ?? {}, 'config.config')
  return {
    digest: digest.digest,
    layers,
    env: list(env ?? [], 'Env').filter((entry): entry is string => typeof entry === 'string' && /^[^=]+=/.test(entry)),
    ...(typeof cwd === 'string' && cwd !== '' && { cwd }),
  }
}

/** Where a blob lies. The digest is checked: it becomes part of a path. */
export function blobPath(
  path: string,
  { digest }: Descriptor,
): { readonly file: string; readonly algorithm: string; readonly hash: string } {
  const [, algorithm, hash] = /^(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})$/.exec(digest) ?? []
  if (algorithm === undefined || hash === undefined || hash.length !== (algorithm === 'sha256' ? 64 : 128)) {
    throw wrong(path, `${digest.slice(0, 200)} is no digest of sha256 or sha512`)
  }
  return { file: join(path, 'blobs', algorithm, hash), algorithm, hash }
}

export function wrong(path: string, text: string): GantryError {
  return new GantryError('ERR_IMAGE', `the image in ${path} can't be used: ${text}`, { path })
}

function malformed(name: string, expected: string): GantryError {
  return new GantryError('ERR_IMAGE', `the image can't be used: ${name}: expected ${expected}`)
}

async function findManifest(
  path: string,
  document: unknown,
  wanted: { readonly ref?: string; readonly platform: string },
  levels: number,
): Promise<Descriptor> {
  if (levels === 0) throw wrong(path, 'its indexes lie too deep in each other')
  const entries = list(record(document, 'index').manifests, 'manifests').map((entry) => record(entry, 'manifests'))
  const nameOf = (entry: Record<string, unknown>) =>
    record(entry.annotations ?? {}, 'annotations')['org.opencontainers.image.ref.name']
  const named = wanted.ref === undefined ? entries : entries.filter((entry) => nameOf(entry) === wanted.ref)
  const fitting = named.filter((entry) => fits(entry.platform, wanted.platform))
  const [found] = fitting
  if (found === undefined || fitting.length > 1) {
    const names = entries.map((entry) => nameOf(entry) ?? 'one without a name').join(', ')
    const what = `${wanted.ref === undefined ? 'image' : `image ${wanted.ref}`} for ${wanted.platform}`
    throw wrong(path, `it has ${found === undefined ? 'no' : 'more than one'} ${what} (there are: ${names || 'none'})`)
  }
  const one = descriptor(found, 'manifests')
  if (!/index|manifest\.list/.test(one.mediaType)) return one
  return await findManifest(path, await readBlob(path, one), { platform: wanted.platform }, levels - 1)
}

/** What does not say its platform may be of any. */
function fits(platform: unknown, wanted: string): boolean {
  if (platform === undefined) return true
  const { os, architecture, variant } = record(platform, 'platform')
  const [wantedOs, wantedArchitecture, wantedVariant] = wanted.split('/')
  return (
    os === wantedOs && architecture === wantedArchitecture && (wantedVariant === undefined || variant === wantedVariant)
  )
}

async function readBlob(path: string, blob: Descriptor): Promise<unknown> {
  const { file, algorithm, hash } = blobPath(path, blob)
  if (blob.size > largest) throw wrong(path, `${blob.digest} is too large for a document`)
  const text = await read(path, file)
  if (text.length !== blob.size || createHash(algorithm).update(text).digest('hex') !== hash) {
    throw wrong(path, `${blob.digest} has other content than its digest says`)
  }
  return parse(path, text, blob.digest)
}

async function readJson(path: string, name: string): Promise<unknown> {
  return parse(path, await read(path, join(path, name)), name)
}

async function read(path: string, file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > largest) throw wrong(path, `${file} is too large for a document`)
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    throw new GantryError(
      'ERR_IMAGE',
      `the image in ${path} can't be read: ${cause instanceof Error ? cause.message : cause}`,
      {
        path,
        cause,
      },
    )
  }
}

function parse(path: string, text: Buffer, name: string): unknown {
  try {
    return JSON.parse(text.toString())
  } catch {
    throw wrong(path, `${name} is no JSON`)
  }
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(name, 'an object')
  return { ...value }
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(name, 'a list')
  return value
}

function descriptor(value: unknown, name: string): Descriptor {
  const { mediaType, digest, size } = record(value, name)
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || typeof size !== 'number') {
    throw malformed(name, 'a descriptor with mediaType, digest and size')
  }
  return { mediaType, digest, size }
}
