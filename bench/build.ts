/** Builds bench/floor: static, like the binary that it is compared with. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'

const triples: Record<string, string> = { x64: 'x86_64-unknown-linux-gnu', arm64: 'aarch64-unknown-linux-gnu' }

/** Programs of bench/floor/src, where each says what it does. */
export interface Built {
  readonly floor: string
  readonly memory: string
  readonly parts: string
  readonly spawner: string
}

export function buildPrograms(root: string): Built {
  const triple = triples[process.arch]
  if (triple === undefined) throw new Error(`the benchmark does not know ${process.arch}`)
  const directory = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'static')
  const flags = `CARGO_TARGET_${triple.toUpperCase().replaceAll('-', '_')}_RUSTFLAGS`
  const what = ['--package', 'floor', '--release', '--target', triple, '--target-dir', directory]
  execFileSync('cargo', ['build', '--quiet', ...what], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, [flags]: '-C target-feature=+crt-static -C relocation-model=static' },
  })
  const built = (name: string) => join(directory, triple, 'release', name)
  return { floor: built('floor'), memory: built('memory'), parts: built('parts'), spawner: built('spawner') }
}
