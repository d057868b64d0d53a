/** What tests look at in a container's cgroup. */
import { existsSync, readFileSync } from 'node:fs'
import { markedCgroups } from './machine.js'
import type { Session } from './session.js'

/** Why a test of cgroup v1 can't run here, if it can't. */
export const noV1 =
  existsSync('/sys/fs/cgroup/pids') && existsSync('/sys/fs/cgroup/memory') ? undefined : 'no cgroup v1 here'

/** The container's directory in a hierarchy: the one with the mark that is deepest. */
export function directoryOf(session: Session, hierarchy: string): string {
  return markedCgroups(session.mark, `/sys/fs/cgroup/${hierarchy}`).at(-1) ?? ''
}

/** The value of a file of the container's cgroup. */
export function value(session: Session, hierarchy: string, file: string): string {
  return readFileSync(`${directoryOf(session, hierarchy)}/${file}`, 'utf8').trim()
}

/** What is expected of files of the container's cgroup, on each version; none where the version has no such control. */
export interface Expected {
  readonly v1?: Readonly<Record<string, string>>
  readonly v2?: Readonly<Record<string, string>>
}

/** That of the version that the machine has the controllers on. */
export function expectedHere({ v1, v2 }: Expected): Readonly<Record<string, string>> | undefined {
  return noV1 === undefined ? v1 : v2
}

/** The values of files that the container's cgroup has now, named as in `expected`. */
export function valuesOf(session: Session, expected: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.keys(expected).map((file) => [
      file,
      value(session, noV1 === undefined ? (file.split('.')[0] ?? '') : '', file),
    ]),
  )
}

/** A created container with these resources, deleted after the body. */
export async function withResources(
  session: Session,
  resources: Record<string, unknown>,
  body: () => unknown,
): Promise<void> {
  session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.resources = resources) })
  await session.ok(['create', session.id()])
  await body()
  await session.ok(['delete', '--force', session.id()])
}
