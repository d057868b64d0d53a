/** The two things that Cargo builds for dist/: the static binary and the addon. */
import { join } from 'node:path'
import { withImage } from './image.mjs'
import { staticTriple } from './libc.mjs'
import { replace, root, run, target } from './toolchain.mjs'

/**
 * dist/gantry. Its flags are for this binary alone (the addon must be dynamic), so it has a target directory of its own.
 * Not position-independent: that saves the relocations at every start. Without tables for unwinding: a panic ends it.
 */
export function buildStatic() {
  const triple = staticTriple()
  const directory = join(target, 'static')
  const flags = `CARGO_TARGET_${triple.toUpperCase().replaceAll('-', '_')}_RUSTFLAGS`
  const what = ['--package', 'standalone', '--profile', 'static', '--target', triple, '--target-dir', directory]
  run('cargo', ['build', '--quiet', ...what], {
    [flags]:
      '-C target-feature=+crt-static -C relocation-model=static -C force-unwind-tables=no -C link-arg=-Wl,--no-eh-frame-hdr',
    CFLAGS: '-fno-asynchronous-unwind-tables -fno-unwind-tables',
  })
  replace(join(root, 'dist/gantry'), withImage(join(directory, triple, 'static/gantry')), 0o755)
}

/** dist/gantry.node, and its types in index.d.ts. */
export function buildAddon() {
  run('napi', [
    'build',
    '--release',
    '--no-js',
    '--output-dir',
    'dist',
    '--dts',
    '../index.d.ts',
    '--target-dir',
    target,
  ])
}
