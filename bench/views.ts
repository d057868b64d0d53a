/** Cgroup layouts that this machine can be made to show, each in a private mount namespace that ends with the measurement. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { View } from './bundle.js'
import type { Measurement } from './measure.js'

const cgroup = '/sys/fs/cgroup'

/** Shell commands that make the view out of what is mounted. */
const scripts: Record<View, string> = {
  v2: `umount -R ${cgroup} && mount -t cgroup2 cgroup2 ${cgroup}`,
  v1: `umount ${cgroup}/unified 2>/dev/null || ! mountpoint -q ${cgroup}/unified`,
}

/** The headline first. A machine whose controllers are all on v2 has no v1 to show. */
export function availableViews(): View[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const hasV1 = mounts.some((line) => line.split(' ')[2] === 'cgroup')
  return hasV1 ? ['v2', 'v1'] : ['v2']
}

/** Runs `program`, which is bench.ts, in the view, and gives what it measured. */
export function measureIn(view: View, repetitions: number, program: string, only = ''): Measurement[] {
  const node = [process.execPath, ...process.execArgv, program, String(repetitions), only, view]
  const enter = ['--mount', '--propagation', 'private', 'sh', '-c', `${scripts[view]} && exec "$@"`, 'sh']
  const output = execFileSync('unshare', [...enter, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
  const measurements: Measurement[] = JSON.parse(output.toString())
  return measurements
}

/** Removes cgroups that a runtime has left behind, and says so: it is a defect of that runtime. */
export function leaveNothing(): void {
  for (const path of cgroupsOf(cgroup, 3)) {
    console.error(`left behind: ${path}`)
    rmdirSync(path)
  }
}

function cgroupsOf(directory: string, depth: number): string[] {
  if (depth === 0) return []
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(directory, name)
      return name.startsWith('gantry-bench-') ? [path] : cgroupsOf(path, depth - 1)
    })
}
