/** `npm run build`: everything in dist/, and docs/reference.md. bundle.mjs makes what is TypeScript, binaries.mjs what is Rust. */
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildAddon, buildStatic } from './binaries.mjs'
import { writeReference } from './reference.mjs'
import { install, run, script } from './toolchain.mjs'

export async function build() {
  install()
  // Imports packages, which are only there now.
  const { bundle } = await import('./bundle.mjs')
  await bundle()
  for (const directory of ['dist', 'dist/cjs']) run('tsc', ['--project', 'tsconfig.types.json', '--outDir', directory])
  writeReference()
  buildStatic()
  buildAddon()
}

if (argv[1] === fileURLToPath(import.meta.url)) await script(build)
