/**
 * `npm test`: builds, checks and tests everything. Its last line counts the tests of all runners together; a check or a
 * build that fails counts as one failed test. `npm test -- NAME…` runs only those of the parts below.
 */
import process from 'node:process'
import { build } from './build.mjs'
import { hasLibseccomp, installPrograms } from './packages.mjs'
import { CommandFailed, install, runLines } from './toolchain.mjs'

const clippy = ['cargo', 'clippy', '--quiet']
/** init is built without std, which Cargo can't do in the same go as the rest: features of shared crates add up. */
const allButInit = ['--workspace', '--exclude', 'init']
const cargoTest = ['cargo', 'test', '--quiet', '--no-fail-fast']

const parts = {
  build: () => counted(build()),
  // No install script may run in what we test with, as none may in what we publish.
  packages: () => counted(packages()),
  types: () => check('tsc'),
  'types without Node': () => check('tsc', '--project', 'tsconfig.pure.json'),
  'lint and format': () => check('biome', 'check', '--error-on-warnings'),
  rustfmt: () => check('cargo', 'fmt', '--all', '--check'),
  clippy: () => check(...clippy, ...allButInit, '--all-targets', '--', '-D', 'warnings'),
  'clippy of init': () => check(...clippy, '--package', 'init', '--', '-D', 'warnings'),
  rust: () => tests(cargoCounts, ...cargoTest, ...allButInit),
  plan: () => tests(cargoCounts, ...cargoTest, '--package', 'wire', '--features', 'typescript'),
  libseccomp: () =>
    hasLibseccomp()
      ? tests(cargoCounts, ...cargoTest, '--package', 'seccomp', '--features', 'oracle', 'libseccomp::')
      : leftOut('comparison with libseccomp: it is not installed'),
  typescript: () => tests(tapCounts, 'ava', '--tap'),
  vm: () => tests(tapCounts, 'node', 'test/vm/run.mjs'),
}

install()
installPrograms()
const total = { passed: 0, failed: 0, skipped: 0 }
const broken = []
/** The titles of skipped tests. Each ends with the reason. */
const skipped = []
/** What the runners printed of each failed test, to be read again where it is found first: at the end. */
const failed = []
/** Whether the last line of TAP was of a failed test: the indented lines that follow say why it failed. */
let ofFailed = false
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)) {
  console.log(`\n== ${name}`)
  const counts = await parts[name]()
  add(total, counts)
  if (counts.failed > 0) broken.push(name)
}
if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.join('\n')}`)
if (broken.length > 0) console.log(`\nFailed: ${broken.join(', ')}\n${failed.join('\n')}`)
console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0

/** The packages that are published, and what tests of them need. */
async function packages() {
  install('test/tools', '--ignore-scripts')
  const { pack } = await import('./pack.mjs')
  pack()
}

/** Counts nothing when `work` is done, a failure when it is not. */
async function counted(work) {
  try {
    await work
    return {}
  } catch (error) {
    console.log(error instanceof CommandFailed ? error.message : error)
    return { failed: 1 }
  }
}

/** A part that can't run here, with the reason at the end of its title. */
function leftOut(title) {
  skipped.push(title)
  return { skipped: 1 }
}

function check(...command) {
  return counted(runLines(command, (line) => console.log(line)))
}

/** Runs a test runner, with `countsOf` for what each line of its output adds. */
async function tests(countsOf, ...command) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const end = await counted(
    runLines(command, (line) => {
      console.log(line)
      add(counts, countsOf(line))
    }),
  )
  // It broke before its tests, or beside them.
  if (counts.failed === 0) add(counts, end)
  return counts
}

/** `test result: FAILED. 3 passed; 1 failed; 0 ignored; …` */
function cargoCounts(line) {
  const found = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line)
  if (found === null) return {}
  const [passed, failed, skipped] = found.slice(1).map(Number)
  return { passed, failed, skipped }
}

/** `ok 1 - title`, `not ok 2 - title`, `ok 3 - title # SKIP` */
function tapCounts(line) {
  if (line.startsWith('not ok ') || (ofFailed && line.startsWith('  '))) {
    ofFailed = true
    failed.push(line)
    return line.startsWith('not ok ') ? { failed: 1 } : {}
  }
  ofFailed = false
  if (!line.startsWith('ok ')) return {}
  const title = /^ok \d+ - (.*) # SKIP$/.exec(line)?.[1]
  if (title === undefined) return { passed: 1 }
  skipped.push(title)
  return { skipped: 1 }
}

function add(sum, { passed = 0, failed = 0, skipped = 0 }) {
  sum.passed += passed
  sum.failed += failed
  sum.skipped += skipped
}
