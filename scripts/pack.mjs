/**
 * `npm run pack`: what is published, in dist/packages/. The npm package without anything of one platform, the package of
 * this platform with addon and static binary, an archive for hosts, and the sums of all.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import process, { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'
import { manualPage } from './man.mjs'
import { root, run, script } from './toolchain.mjs'

const stage = join(root, 'dist/stage')
const packages = join(root, 'dist/packages')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const { version } = manifest

/** Packs what `npm run build` has left in dist/. */
export function pack() {
  for (const directory of [stage, packages]) rmSync(directory, { recursive: true, force: true })
  mkdirSync(packages, { recursive: true })
  // Makes the directory of each platform's package, with its os, cpu and libc.
  run('napi', ['create-npm-dirs', '--npm-dir', 'dist/stage/platforms'])
  const platform = `linux-${process.arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
  packMain(readdirSync(join(stage, 'platforms')).map((name) => `${manifest.name}-${name}`))
  packPlatform(join(stage, 'platforms', platform))
  packForHosts()
  const sums = readdirSync(packages).map((name) => `${digest(join(packages, name))}  ${name}\n`)
  writeFileSync(join(packages, 'SHA256SUMS'), sums.join(''))
  rmSync(stage, { recursive: true })
}

/** The package that people install: JavaScript and types. npm fetches the one of the platform with it. */
function packMain(platforms) {
  const directory = join(stage, 'main')
  mkdirSync(directory, { recursive: true })
  for (const file of ['bin', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    cpSync(join(root, file), join(directory, file), { recursive: true })
  }
  const others = new Set(['gantry', 'gantry.node', 'js', 'packages', 'stage'])
  for (const name of readdirSync(join(root, 'dist')).filter((name) => !others.has(name))) {
    cpSync(join(root, 'dist', name), join(directory, 'dist', name), { recursive: true })
  }
  mkdirSync(join(directory, 'man'))
  writeFileSync(join(directory, 'man/gantry.8'), manualPage(join(root, 'dist/gantry'), version))
  const { devDependencies, overrides, scripts, ava, napi, ...published } = manifest
  const optionalDependencies = Object.fromEntries(platforms.map((name) => [name, version]))
  write(directory, { ...published, optionalDependencies, publishConfig: { access: 'public', provenance: true } })
  npmPack(directory)
}

function packPlatform(directory) {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const files = ['gantry.node', 'gantry']
  for (const file of files) copyFileSync(join(root, 'dist', file), join(directory, file))
  chmodSync(join(directory, 'gantry'), 0o755)
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
  const { main, ...rest } = manifest
  write(directory, { ...rest, license: 'Apache-2.0', files, publishConfig: { access: 'public', provenance: true } })
  npmPack(directory)
}

/** For machines without Node: the static binary, its manual page, completions, and how to make Docker and others use it. */
function packForHosts() {
  const name = `gantry-${version}-linux-${process.arch}`
  const directory = join(stage, name)
  const binary = join(directory, 'bin/gantry')
  for (const part of ['bin', 'share/man/man8', 'share/completions'])
    mkdirSync(join(directory, part), { recursive: true })
  copyFileSync(join(root, 'dist/gantry'), binary)
  chmodSync(binary, 0o755)
  writeFileSync(join(directory, 'share/man/man8/gantry.8'), manualPage(binary, version))
  for (const shell of ['bash', 'zsh', 'fish']) {
    writeFileSync(join(directory, 'share/completions', `gantry.${shell}`), execFileSync(binary, ['completion', shell]))
  }
  copyFileSync(join(root, 'docs/drop-in.md'), join(directory, 'INSTALL.md'))
  copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'))
  // The same input gives the same archive.
  const reproducible = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0']
  run('tar', [...reproducible, '-C', stage, '-czf', join(packages, `${name}.tar.gz`), name])
}

function write(directory, manifest) {
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

function npmPack(directory) {
  run('npm', ['pack', '--loglevel=error', '--pack-destination', packages, directory])
}

function digest(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await script(async () => {
    await build()
    pack()
    for (const name of readdirSync(packages)) console.log(join('dist/packages', basename(name)))
  })
}
