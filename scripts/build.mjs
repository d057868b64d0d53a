/** `npm run build`: everything in dist/. See scripts/bundle.mjs for the TypeScript and scripts/binaries.mjs for the Rust. */
import { buildAddon, buildStatic } from './binaries.mjs'
import { install, run, script } from './toolchain.mjs'

await script(async () => {
  install()
  const { bundle } = await import('./bundle.mjs')
  await bundle()
  run('tsc', ['--project', 'tsconfig.types.json'])
  buildStatic()
  buildAddon()
})
