/** A package registry on this machine that knows the packed packages of ours and nothing else. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Packed {
  readonly manifest: { readonly name: string; readonly version: string }
  /** The path of the .tgz file. */
  readonly file: string
}

export interface Registry {
  readonly url: string
  close(): void
}

/** Serves the packages; only those that are asked for again under `tarball` are read whole. */
export async function serve(packages: readonly Packed[]): Promise<Registry> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const url = `http://127.0.0.1:${portOf(server.address())}`
    const tarball = packages.find(({ manifest }) => path === `/${manifest.name}/-/${manifest.name}.tgz`)
    const found = packages.find(({ manifest }) => path === `/${manifest.name}`)
    if (tarball !== undefined) response.end(readFileSync(tarball.file))
    else if (found !== undefined) response.end(JSON.stringify(packument(found, url)))
    else response.writeHead(404).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { url: `http://127.0.0.1:${portOf(server.address())}`, close: () => server.close() }
}

function packument({ manifest, file }: Packed, url: string): object {
  const { name, version } = manifest
  const contents = readFileSync(file)
  const dist = {
    tarball: `${url}/${name}/-/${name}.tgz`,
    shasum: createHash('sha1').update(contents).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(contents).digest('base64')}`,
  }
  // pnpm wants to know how old a version is.
  const time = { modified: '2026-01-01T00:00:00.000Z', [version]: '2026-01-01T00:00:00.000Z' }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } }, time }
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0
}
