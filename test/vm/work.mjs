/**
 * The machine's second disk, mounted at /gantry: the built package, the runtime tests as JavaScript with what they need,
 * and the command that the machine is to run.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root } from '../../scripts/toolchain.mjs'

/** Makes the disk in `directory`, and gives its path. */
export async function workDisk(directory, command) {
  const tree = join(directory, 'work')
  mkdirSync(tree, { recursive: true })
  for (const part of ['bin', 'dist', 'examples']) cpSync(join(root, part), join(tree, part), { recursive: true })
  cpSync(process.execPath, join(tree, 'node'))
  writeFileSync(join(tree, 'command'), command)
  writeFileSync(join(tree, 'package.json'), JSON.stringify(packageJson()))
  for (const name of withDependencies('ava')) cpSync(join(root, name), join(tree, name), { recursive: true })
  await bundleTests(join(tree, '__test__/harness'))
  const disk = join(directory, 'work.img')
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, disk, '400M'], { stdio: ['ignore', 'ignore', 'inherit'] })
  rmSync(tree, { recursive: true })
  return disk
}

function packageJson() {
  const { name, version, type, imports, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const ava = { files: ['__test__/harness/*.test.js'], workerThreads: false, concurrency: 1, timeout: '5m' }
  return { name, version, type, imports, exports, ava }
}

/** The directories of a package and of all that it needs, found as Node finds them: in node_modules on the way up. */
function withDependencies(name, from = '', found = new Set()) {
  const inner = `${from}node_modules/${name}`
  const directory = existsSync(join(root, inner)) ? inner : `node_modules/${name}`
  if (found.has(directory) || !existsSync(join(root, directory))) return found
  found.add(directory)
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, directory, 'package.json'), 'utf8'))
  for (const dependency of Object.keys(dependencies)) withDependencies(dependency, `${directory}/`, found)
  return found
}

/** To compile them inside takes longer than to run them. They lie where their harness does, which looks for files beside itself. */
async function bundleTests(outdir) {
  const { build } = await import('esbuild')
  const tests = join(root, '__test__/runtime')
  await build({
    entryPoints: readdirSync(tests).map((file) => join(tests, file)),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    external: ['#addon'],
    logLevel: 'warning',
  })
  const harness = join(root, '__test__/harness')
  for (const file of readdirSync(harness)) if (file.endsWith('.py')) cpSync(join(harness, file), join(outdir, file))
}
