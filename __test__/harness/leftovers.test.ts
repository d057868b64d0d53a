/** The oracle that finds what a test left behind, itself held by tests: one that sees nothing would pass everything. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { fingerprint } from './leftovers.js'
import { isAlive, markedCgroups, markedProcesses, openDescriptors } from './machine.js'
import { until } from './until.js'

const mark = `gantry-oracle-${process.pid}`

for (const [how, command, options] of [
  ['its arguments', ['sh', '-c', `sleep 60; : ${mark}`], {}],
  ['its environment', ['sleep', '60'], { env: { MARK: mark } }],
] as const) {
  test.serial(`a living process is found by ${how}, and not when it was there before`, async (t) => {
    const [program, ...args] = command
    const child = spawn(program, args, { stdio: 'ignore', ...options })
    await until('it is found', () => markedProcesses(mark, new Set()).includes(child.pid ?? 0))
    t.deepEqual(markedProcesses(mark, new Set(markedProcesses(mark, new Set()))), [])
    child.kill('SIGKILL')
    await until('it is gone', () => markedProcesses(mark, new Set()).length === 0)
  })
}

test.serial('a process is found by a file that it has open', async (t) => {
  const file = `/tmp/${mark}`
  const descriptor = openSync(file, 'w')
  const child = spawn('sleep', ['60'], { stdio: ['ignore', descriptor, 'ignore'] })
  closeSync(descriptor)
  await until('it is found', () => markedProcesses(mark, new Set([process.pid])).includes(child.pid ?? 0))
  child.kill('SIGKILL')
  await until('it is gone', () => markedProcesses(mark, new Set()).length === 0)
  rmSync(file)
  t.false(existsSync(file))
})

test.serial('a zombie is not alive', async (t) => {
  // The second sleep takes the shell's place, and never waits for the first, which was the shell's child.
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(String(line))
  t.true(isAlive(pid))
  await until('it is a zombie', () => existsSync(`/proc/${pid}`) && !isAlive(pid))
  parent.kill('SIGKILL')
  await once(parent, 'exit')
})

const hierarchy = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
  existsSync(`${path}/cgroup.procs`),
)
const cgroups = process.geteuid?.() === 0 && hierarchy !== undefined ? test.serial : test.serial.skip

cgroups('cgroups are found, the deepest first', (t) => {
  const path = `${hierarchy}/${mark}`
  mkdirSync(`${path}/inner`, { recursive: true })
  t.deepEqual(markedCgroups(mark), [`${path}/inner`, path])
  rmdirSync(`${path}/inner`)
  rmdirSync(path)
  t.deepEqual(markedCgroups(mark), [])
})

test.serial('a changed file, mode or link changes the fingerprint', (t) => {
  const directory = mkdtempSync(`/tmp/${mark}-`)
  writeFileSync(`${directory}/file`, 'a')
  const prints = [fingerprint(directory)]
  for (const change of [
    'printf b >file',
    'chmod 600 file',
    'ln -s file link',
    'mkdir inner',
    'touch -d 2001-01-01 file',
  ]) {
    spawnSync('sh', ['-c', change], { cwd: directory })
    prints.push(fingerprint(directory))
  }
  t.is(new Set(prints).size, prints.length)
  rmSync(directory, { recursive: true })
})

test.serial('an open descriptor is seen', (t) => {
  const before = openDescriptors().length
  const descriptor = openSync('/dev/null', 'r')
  t.is(openDescriptors().length, before + 1)
  closeSync(descriptor)
})
