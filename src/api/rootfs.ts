/** `rootfs`: what the programs of a sandbox see as `/`, checked. Images and archives become directories first (images.ts). */
import type { Archive } from './archive.js'
import { checkBoolean, checkNames, checkNumber, checkString, invalidArgument } from './arguments.js'
import { isReadable } from './stdio.js'

interface Writable {
  /** Directories of this machine that the programs may write to; a relative one starts at the current directory. */
  readonly writable?: readonly string[]
}

interface Changing extends Writable {
  /**
   * Lets the programs change everything, and what is beneath stays as it is. `true`: the changes are in memory, which `limits.memory` counts,
   * and go with the sandbox. A directory: they are kept there, in `upper`, for the next sandbox with the same root.
   */
  readonly overlay?: boolean | string
}

interface Unpacked extends Changing {
  /**
   * The directory of what is unpacked, which is used again. By default /var/cache/gantry, or `gantry` in the user's cache directory. It may
   * be removed when no sandbox uses it.
   */
  readonly cache?: string
  /** Bytes in files: more are an error. 16 GiB by default. */
  readonly maxSize?: number
}

/** This machine, read-only down to the last mount, with /tmp, /dev, /proc, /sys and /run of its own. */
export interface HostRootfs extends Writable {
  readonly host: true
}

/** A directory, read-only. */
export interface DirectoryRootfs extends Changing {
  readonly dir: string
  /** `false`: the programs may write to it. */
  readonly readonly?: boolean
}

/** An image in a directory of the OCI image layout. The environment and working directory of its configuration are the defaults. */
export interface LayoutRootfs extends Unpacked {
  readonly layout: string
  /** The name that index.json has for it (`org.opencontainers.image.ref.name`), if there are several. */
  readonly ref?: string
  /** `linux/arm64`; this machine's by default. */
  readonly platform?: string
}

/** A tar archive, compressed by gzip or zstd or not: the path of a file, bytes, or a stream, which is read to its end. */
export interface TarRootfs extends Unpacked {
  readonly tar: string | Archive
}

export type Rootfs = HostRootfs | DirectoryRootfs | LayoutRootfs | TarRootfs

/** What has to be unpacked first. */
export type Image = (Pick<LayoutRootfs, 'layout' | 'ref' | 'platform'> | Pick<TarRootfs, 'tar'>) & {
  readonly cache?: string
  readonly maxSize?: number
}

export interface Root {
  readonly writable: readonly string[]
  /** Neither: this machine. */
  readonly directory?: string
  readonly image?: Image
  readonly overlay?: string | true
  readonly writableRoot?: boolean
}

const kinds = {
  host: ['writable'],
  dir: ['writable', 'overlay', 'readonly'],
  layout: ['writable', 'overlay', 'cache', 'maxSize', 'ref', 'platform'],
  tar: ['writable', 'overlay', 'cache', 'maxSize'],
} as const

const expected = 'expected one of { host: true }, { dir: a directory }, { layout: a directory }, { tar: an archive }'

export function rootOf(given: Rootfs): Root {
  if (typeof given !== 'object' || given === null) throw invalidArgument(`rootfs: ${expected}`)
  // Each read once: what was checked is what is used.
  const rootfs = { ...given }
  const found = (['host', 'dir', 'layout', 'tar'] as const).filter((kind) => kind in rootfs)
  const [kind] = found
  if (kind === undefined || found.length > 1) throw invalidArgument(`rootfs: ${expected}`)
  checkNames('rootfs', rootfs, [kind, ...kinds[kind]])
  const { writable = [] } = rootfs
  if (!Array.isArray(writable) || writable.some((path) => typeof path !== 'string')) {
    throw invalidArgument('rootfs.writable: expected a list of directories')
  }
  if ('host' in rootfs) {
    if (rootfs.host !== true) throw invalidArgument(`rootfs: ${expected}`)
    return { writable: [...writable] }
  }
  const root = { writable: [...writable], overlay: overlayOf(rootfs.overlay) }
  if ('dir' in rootfs) {
    const { dir, readonly = true } = rootfs
    checkPath('dir', dir)
    checkBoolean('rootfs.readonly', readonly)
    if (!readonly && root.overlay) throw invalidArgument('rootfs: overlay and readonly: false exclude each other')
    return { ...root, directory: dir, writableRoot: !readonly }
  }
  const { cache, maxSize } = rootfs
  checkString('rootfs.cache', cache)
  checkNumber('rootfs.maxSize', maxSize, 0, Number.MAX_SAFE_INTEGER)
  if ('layout' in rootfs) {
    const { layout, ref, platform } = rootfs
    checkPath('layout', layout)
    checkString('rootfs.ref', ref)
    checkString('rootfs.platform', platform)
    return { ...root, image: { layout, ref, platform, cache, maxSize } }
  }
  const { tar } = rootfs
  if (typeof tar === 'string') checkPath('tar', tar)
  else if (!(tar instanceof Uint8Array || isReadable(tar)))
    throw invalidArgument('rootfs.tar: expected a path, bytes or a stream')
  return { ...root, image: { tar, cache, maxSize } }
}

function checkPath(name: string, path: string): void {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw invalidArgument(`rootfs.${name}: expected a path`)
  }
}

function overlayOf(overlay: boolean | string | undefined): string | true | undefined {
  if (overlay === undefined || overlay === false) return undefined
  if (overlay !== true) checkPath('overlay', overlay)
  return overlay
}
