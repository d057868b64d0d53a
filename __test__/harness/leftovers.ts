/**
 * "After each test nothing may remain": the machine before a test, and what of the test is still there after it.
 *
 * Looked at are processes, the host's mounts, cgroups, the state directory, files in the test's directory that the test
 * did not make, a canary directory that no container may touch, and the descriptors and zombies of the test's own process.
 */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import * as machine from './machine.js'
import { until } from './until.js'

/** How long what is on its way out may take: pid 1 reaps late, and a cgroup of v1 goes asynchronously. */
const patience = 5000

export interface Watched {
  /** In every id, path and environment of the test. */
  readonly mark: string
  /** Directories of state records, which must end up empty or missing. */
  readonly stateRoots: readonly string[]
  readonly canary: string
  /** What lies in the test's directory that the test itself did not put there. */
  strangeFiles(): string[]
}

export class Before {
  private readonly pids = new Set(machine.allPids())
  private readonly mounts = new Set(machine.mounts())
  private readonly descriptors = machine.openDescriptors().length
  private readonly canary: string

  constructor(private readonly watched: Watched) {
    this.canary = fingerprint(watched.canary)
  }

  /** What remains now, in words. */
  remains(): string[] {
    const { mark, stateRoots, canary } = this.watched
    const descriptors = machine.openDescriptors()
    return [
      ...machine.markedProcesses(mark, this.pids).map(machine.describeProcess),
      ...machine.ownZombies().map((pid) => `zombie ${pid}`),
      ...machine.markedCgroups(mark).map((path) => `cgroup ${path}`),
      ...machine
        .mounts()
        .filter((line) => !this.mounts.has(line))
        .map((line) => `mount ${line}`),
      ...stateRoots.flatMap((root) =>
        (machine.attempt(() => readdirSync(root)) ?? []).map((name) => `state ${root}/${name}`),
      ),
      ...this.watched.strangeFiles().map((path) => `file ${path}`),
      ...(fingerprint(canary) === this.canary ? [] : ['a changed canary']),
      ...(descriptors.length <= this.descriptors ? [] : [`descriptors: ${descriptors.join(' ')}`]),
    ]
  }

  /** What remains after a bounded wait: nothing, if all is well. */
  async leftovers(): Promise<string[]> {
    try {
      await until('nothing remains', () => this.remains().length === 0, patience)
      return []
    } catch {
      return this.remains()
    }
  }

  /** Kills and removes whatever remains, so that the next test is not blamed for it. */
  clean(): void {
    for (const pid of machine.markedProcesses(this.watched.mark, this.pids))
      machine.attempt(() => process.kill(pid, 'SIGKILL'))
    for (const path of machine.markedCgroups(this.watched.mark)) machine.removeCgroup(path)
  }
}

/** A hash over names, modes, owners, times and contents of a tree. */
export function fingerprint(path: string): string {
  const hash = createHash('sha256')
  const visit = (at: string): void => {
    const { mode, uid, gid, size, mtimeMs, rdev } = lstatSync(at)
    hash.update(JSON.stringify([at, mode, uid, gid, size, mtimeMs, rdev]))
    const kind = mode & 0o170000
    if (kind === 0o040000) for (const name of readdirSync(at).sort()) visit(`${at}/${name}`)
    if (kind === 0o100000) hash.update(readFileSync(at))
    if (kind === 0o120000) hash.update(readlinkSync(at))
  }
  visit(path)
  return hash.digest('hex')
}
