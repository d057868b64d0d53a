/**
 * `npm run bench`: gantry against runc, crun and bubblewrap, on one machine, in one run, on one bundle.
 *
 * A machine has one cgroup layout, and what a container costs depends on it. So each measurement runs in a mount namespace of its
 * own, in which the machine looks as if it had only v2 or only v1: this program starts itself again in there (see views.ts).
 * The tables go to standard output, all numbers with the machine's facts to bench/results/.
 *
 * `npm run bench -- 100` repeats each task 100 times; 30 times is usual. `npm run bench -- 100 state` measures that task alone,
 * and writes no file.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { buildPrograms } from './build.js'
import type { View } from './bundle.js'
import { machineFacts } from './machine.js'
import { measure, subjects } from './measure.js'
import { table } from './table.js'
import { targetTable } from './targets.js'
import { availableViews, leaveNothing, measureIn } from './views.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [first = '30', second = '', view] = process.argv.slice(2)
const repetitions = Number(first)
const only = subjects.find((subject) => subject === second)

const titles: Record<View, string> = {
  v2: 'cgroup v2, without device rules',
  v1: 'cgroup v1, with device rules',
}

async function main(): Promise<void> {
  if (!Number.isInteger(repetitions) || repetitions < 1) throw new Error(`usage: npm run bench -- [REPETITIONS [TASK]]`)
  if (second !== '' && only === undefined) throw new Error(`no such task: ${second}; there are ${subjects.join(', ')}`)
  if (process.geteuid?.() !== 0)
    throw new Error('the benchmark needs root: it makes mount namespaces with another cgroup layout')
  const gantry = join(root, 'dist/gantry')
  const api = join(root, 'dist/index.js')
  if (!existsSync(gantry) || !existsSync(api)) throw new Error('there is no dist/: run `npm run build` first')
  const docker = join(root, '__test__/fixtures/docker.config.json')
  const programs = { gantry, api, docker, ...buildPrograms(root) }

  if (view !== undefined) {
    if (view !== 'v1' && view !== 'v2') throw new Error(`no such view: ${view}`)
    console.log(JSON.stringify(await measure(view, repetitions, programs, only)))
    return
  }
  const facts = machineFacts(gantry)
  console.log(facts.summary)
  const results = []
  for (const view of availableViews()) {
    const measurements = measureIn(view, repetitions, fileURLToPath(import.meta.url), only)
    console.log(
      `\n${titles[view]}; ${repetitions} repetitions\n\n${table(measurements)}\n\n${targetTable(measurements)}`,
    )
    results.push({ view, title: titles[view], repetitions, measurements })
  }
  leaveNothing()
  if (only !== undefined) return
  const date = new Date().toISOString().slice(0, 10)
  const file = join(root, 'bench/results', `${date}-${release()}.json`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ date, ...facts, results }, undefined, 1)}\n`)
  console.log(`\nwritten to ${file}`)
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
