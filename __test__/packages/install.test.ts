/** The packed packages, as npm, pnpm, yarn and bun install them, on each version of Node that we are for. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import test from 'ava'
import { repository } from '../harness/package.js'
import { type Packed, type Registry, serve } from './registry.js'

const tools = `${repository}test/tools/node_modules`
const directory = `${repository}dist/packages`
const run = promisify(execFile)

const absent = existsSync(`${tools}/.package-lock.json`) ? undefined : 'test/tools is not installed'
const isRoot = process.geteuid?.() === 0
const work = mkdtempSync(`${tmpdir()}/gantry-packages-`)

/** `files` of package.json, os, cpu and libc of a platform that is not ours: never fetched, only looked at. */
function packed(file: string, changes: object = {}): Packed {
  const manifest = JSON.parse(execFileSync('tar', ['-xzOf', file, 'package/package.json'], { encoding: 'utf8' }))
  return { file, manifest: { ...manifest, ...changes } }
}

let registry: Registry
let main: Packed

test.before(async () => {
  if (absent !== undefined) return
  const { version } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8'))
  main = packed(`${directory}/gantry-${version}.tgz`)
  const platform = `${directory}/gantry-linux-${process.arch}-gnu-${version}.tgz`
  const others = [
    ['x64', 'gnu', 'glibc'],
    ['x64', 'musl', 'musl'],
    ['arm64', 'gnu', 'glibc'],
    ['arm64', 'musl', 'musl'],
  ].map(([cpu, name, libc]) => packed(platform, { name: `gantry-linux-${cpu}-${name}`, cpu: [cpu], libc: [libc] }))
  registry = await serve([main, ...others])
})

test.after.always(() => {
  registry?.close()
  rmSync(work, { recursive: true, force: true })
})

const managers: Readonly<Record<string, readonly string[]>> = {
  npm: ['npm', 'install', '--no-audit', '--no-fund', 'gantry'],
  pnpm: [`${tools}/.bin/pnpm`, 'add', 'gantry'],
  yarn: [`${tools}/.bin/yarn`, 'add', '--non-interactive', 'gantry'],
  bun: [`${tools}/@oven/bun-linux-x64/bin/bun`, 'add', 'gantry'],
}

/** Installs the package in a directory of its own, with caches of its own, and without the network. */
async function install(name: string, command: readonly string[], extra: readonly string[] = []): Promise<string> {
  const app = `${work}/${name}`
  mkdirSync(app)
  writeFileSync(`${app}/package.json`, '{ "name": "app", "version": "1.0.0", "private": true }')
  const [program = '', ...words] = [...command, ...extra]
  await run(program, words, { cwd: app, env: environment(app) })
  return app
}

function environment(app: string): NodeJS.ProcessEnv {
  const { PATH } = process.env
  const { url } = registry
  const registries = { npm_config_registry: `${url}/`, YARN_REGISTRY: url, BUN_CONFIG_REGISTRY: url }
  return { PATH, HOME: `${app}/home`, XDG_DATA_HOME: `${app}/home`, ...registries }
}

const esm = `
import { createRequire } from 'node:module'
import { run, version } from 'gantry'
import { binary } from 'gantry/binary'
const required = createRequire(import.meta.url)('gantry')
const [mine, theirs] = await Promise.all([run(['echo', 'from esm']), required.run(['echo', 'from require'])])
const addons = Object.keys(createRequire(import.meta.url).cache).filter((name) => name.endsWith('.node'))
console.log(JSON.stringify([version, mine.stdout, theirs.stdout, addons.length, binary()]))
`

const cjs = `
const { run, version } = require('gantry')
const { binary } = require('gantry/binary')
run(['echo', 'from cjs']).then(({ stdout }) => console.log(JSON.stringify([version, stdout, binary()])))
`

for (const [name, command] of Object.entries(managers)) {
  if (absent !== undefined || !isRoot) {
    test.skip(`${name} installs a package that works (${absent ?? 'needs root'})`, () => undefined)
    continue
  }
  test.serial(`${name} installs a package that works`, async (t) => {
    const app = await install(name, command)
    const { version } = main.manifest
    const shim = await run(`${app}/node_modules/.bin/gantry`, ['--version'], { env: environment(app) })
    t.regex(shim.stdout, new RegExp(`^gantry version ${version}\n`))

    writeFileSync(`${app}/esm.mjs`, esm)
    const [told, fromEsm, fromRequire, addons, path] = JSON.parse((await run('node', ['esm.mjs'], { cwd: app })).stdout)
    t.deepEqual([told, fromEsm, fromRequire, addons], [version, 'from esm\n', 'from require\n', 1])
    t.is(statSync(path).mode & 0o777, 0o755)
    t.regex((await run(path, ['--version'])).stdout, /^gantry version/)

    writeFileSync(`${app}/cjs.cjs`, cjs)
    t.deepEqual(JSON.parse((await run('node', ['cjs.cjs'], { cwd: app })).stdout), [version, 'from cjs\n', path])
  })
}

for (const name of ['node22', 'node24', 'node26']) {
  const node = `${tools}/${name}/bin/node`
  if (absent !== undefined || !isRoot) {
    test.skip(`the package works on ${name} (${absent ?? 'needs root'})`, () => undefined)
    continue
  }
  test.serial(`the package works on ${name}`, async (t) => {
    const app = await install(`app-${name}`, managers.npm ?? [])
    writeFileSync(`${app}/esm.mjs`, esm)
    const [, fromEsm, fromRequire, addons] = JSON.parse((await run(node, ['esm.mjs'], { cwd: app })).stdout)
    t.deepEqual([fromEsm, fromRequire, addons], ['from esm\n', 'from require\n', 1])
    const env = { GANTRY_HOST: 'node' }
    t.regex(
      (await run(node, [`${app}/node_modules/gantry/bin/gantry.js`, '--version'], { env })).stdout,
      /^gantry version/,
    )
    const shim = await run(node, [`${app}/node_modules/gantry/bin/gantry.js`, '--version'])
    t.regex(shim.stdout, /^gantry version/)
  })
}

if (absent === undefined) {
  test.serial("a package without the platform's says what to do", async (t) => {
    const app = await install('omitted', managers.npm ?? [], ['--omit=optional'])
    const shim = await t.throwsAsync(run(`${app}/node_modules/.bin/gantry`, ['--version']))
    t.like(shim, { code: 1 })
    t.regex(
      shim?.message ?? '',
      /the package gantry-linux-\w+-gnu is not installed\nhint: .*--omit=optional.*npm install --no-save/,
    )
    const program = `import('gantry').then(({ run }) => run(['true'])).catch(({ name, code, hint }) => console.log(name, code, hint))`
    const { stdout } = await run('node', ['--eval', program], { cwd: app })
    t.regex(stdout, /^GantryError ERR_NO_BINARY .*--omit=optional/)
  })

  test.serial('a platform package of another version is refused', async (t) => {
    const app = await install('mixed', managers.npm ?? [])
    const file = `${app}/node_modules/gantry-linux-${process.arch}-gnu/package.json`
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(`"version": "${main.manifest.version}"`, '"version": "0.0.9"'),
    )
    const shim = await t.throwsAsync(run(`${app}/node_modules/.bin/gantry`, ['--version']))
    t.regex(shim?.message ?? '', /is of version 0\.0\.9, and gantry of/)
  })

  for (const [name, words] of [
    ['publint', ['--strict']],
    ['attw', ['--profile', 'node16']],
  ] as const) {
    test.serial(`${name} has nothing to say`, async (t) => {
      t.truthy(await run(`${tools}/.bin/${name}`, [...words, main.file]))
    })
  }

  test('the main package has no dependency, no install script, and nothing of one platform', (t) => {
    t.like(main.manifest, { dependencies: undefined, devDependencies: undefined, scripts: undefined })
    const names = execFileSync('tar', ['-tzf', main.file], { encoding: 'utf8' })
    t.notRegex(names, /\.node\n|dist\/gantry\n/)
    t.regex(names, /package\/man\/gantry\.8\n/)
  })

  test('the archive for hosts holds binary, manual page, completions and notes', (t) => {
    const file = `${directory}/gantry-${main.manifest.version}-linux-${process.arch}.tar.gz`
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })
    for (const name of [
      'bin/gantry',
      'man8/gantry.8',
      'completions/gantry.bash',
      'gantry.zsh',
      'gantry.fish',
      'INSTALL.md',
    ]) {
      t.true(names.includes(`${name}\n`), name)
    }
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: directory })
  })
}
