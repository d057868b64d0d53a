/**
 * What a test may leave on the machine, found by the test's mark: a name that every id, path and environment of the
 * test has in it. Processes are told apart from zombies that merely wait for pid 1 to reap them.
 */
import { readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs'

/** What a function returns, or nothing if it throws: for files of /proc that go away while one looks. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const read = (path: string): string => attempt(() => readFileSync(path, 'latin1')) ?? ''
const entries = (path: string): string[] => attempt(() => readdirSync(path)) ?? []

export function allPids(): number[] {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Fields of proc_pid_stat(5), from the state on; an empty list for a process that is gone. */
function stat(pid: number): string[] {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Whether a process runs or sleeps: one that is gone or a zombie does not. */
export function isAlive(pid: number): boolean {
  const [state] = stat(pid)
  return state !== undefined && state !== '' && state !== 'Z' && state !== 'X'
}

export function parentOf(pid: number): number {
  return Number(stat(pid)[1])
}

/** The living processes, other than those in `known`, that have the mark in any of what /proc tells of them. */
export function markedProcesses(mark: string, known: ReadonlySet<number>): number[] {
  return allPids().filter((pid) => !known.has(pid) && isAlive(pid) && isMarked(pid, mark) && isAlive(pid))
}

function isMarked(pid: number, mark: string): boolean {
  return (
    ['cmdline', 'environ', 'cgroup', 'mountinfo'].some((file) => read(`/proc/${pid}/${file}`).includes(mark)) ||
    ['cwd', 'root', 'exe', ...entries(`/proc/${pid}/fd`).map((fd) => `fd/${fd}`)].some((link) =>
      attempt(() => readlinkSync(`/proc/${pid}/${link}`))?.includes(mark),
    )
  )
}

/** A process in words, for a failure's message. */
export function describeProcess(pid: number): string {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || read(`/proc/${pid}/comm`).trim()
  return `process ${pid}, child of ${parentOf(pid)}, in ${read(`/proc/${pid}/wchan`)} [${command}]`
}

/** Our own children that nobody has waited for. */
export function ownZombies(): number[] {
  return allPids().filter((pid) => stat(pid)[0] === 'Z' && parentOf(pid) === process.pid)
}

/** The cgroup directories, in all hierarchies, that have the mark in their name, the deepest first. */
export function markedCgroups(mark: string, directory = '/sys/fs/cgroup', depth = 6): string[] {
  if (depth === 0) return []
  return (attempt(() => readdirSync(directory, { withFileTypes: true })) ?? [])
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [
      ...markedCgroups(name.includes(mark) ? '' : mark, `${directory}/${name}`, depth - 1),
      ...(name.includes(mark) ? [`${directory}/${name}`] : []),
    ])
}

export function removeCgroup(path: string): void {
  attempt(() => rmdirSync(path))
}

/** The host's mounts, a line each. */
export function mounts(): string[] {
  return read('/proc/self/mountinfo').split('\n')
}

/** What our own descriptors refer to. */
export function openDescriptors(): string[] {
  return entries('/proc/self/fd').flatMap((fd) => attempt(() => readlinkSync(`/proc/self/fd/${fd}`)) ?? [])
}
