/**
 * `npm run test:vm`: the runtime tests in a virtual machine that has what development machines and the CI lack: systemd,
 * cgroup v2 with all controllers, AppArmor. Prints TAP, as ava does.
 *
 *     npm run test:vm                      those below, as `npm test` does
 *     npm run test:vm -- FILE…             some test files of __test__/runtime, by name: cgroup kill
 *     npm run test:vm -- --shell           a shell in the machine instead; /gantry has the package and the tests
 *     npm run test:vm -- --cgroup=v1 …     on cgroup v1; --driver=systemd with --systemd-cgroup in every command
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { script } from '../../scripts/toolchain.mjs'
import { image, noImage } from './image.mjs'
import { attach, boot, noMachine } from './machine.mjs'
import { workDisk } from './work.mjs'

/** For one machine with all its tests. */
const seconds = 900

const options = { shell: { type: 'boolean' }, cgroup: { type: 'string' }, driver: { type: 'string' } }
const { values, positionals } = parseArgs({ options, allowPositionals: true })
const directory = mkdtempSync(join(tmpdir(), 'gantry-vm-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

/** What `npm test` has time for: what needs systemd, AppArmor or the controllers of v2, and a container's life there. */
const usual = { cgroup: 'v2', runs: [{ files: 'features systemd limits apparmor create-start services delete' }] }

await script(async () => {
  const absent = noMachine() ?? noImage()
  if (absent !== undefined) {
    console.log(`ok 1 - tests in a virtual machine (${absent}) # SKIP`)
  } else if (values.shell) {
    await attach(await disks('cd /gantry; exec bash -i'), { cgroup: values.cgroup ?? 'v2', directory })
  } else {
    const named = { cgroup: values.cgroup ?? 'v2', runs: [{ files: positionals.join(' '), driver: values.driver }] }
    const { cgroup, runs } = positionals.length > 0 ? named : usual
    process.exitCode = await boot(await disks(runs.map(tests).join('')), { cgroup, directory, seconds }, show)
  }
})

async function disks(command) {
  return { ...image(), work: await workDisk(directory, `status=0\n${command}\nexit $status\n`) }
}

/** Tests of other runtimes are not skipped here: they ran on the host. */
function show(line) {
  if (!/\(not for RUNTIME=.*# SKIP$/.test(line)) console.log(line)
}

/** The commands that run test files; the status is that of those that failed. */
function tests({ files, driver = 'cgroupfs' }) {
  const paths = files.split(' ').map((name) => `__test__/harness/${name}.test.js`)
  return `cd /gantry
export RUNTIME=gantry TEST_SLOWNESS=10 TEST_CGROUP_DRIVER=${driver} PATH=/gantry:$PATH
node node_modules/ava/entrypoints/cli.mjs --tap ${paths.join(' ')} || status=$?
`
}
