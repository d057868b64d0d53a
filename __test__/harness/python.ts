/**
 * The helper programs of this directory that are written in Python: what neither Node nor a shell can do, such as
 * datagram sockets, pseudo-terminals and descriptors sent over a socket.
 */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { which } from './runtime.js'
import type { Spec } from './spec.js'

const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : which('python3')

/** Why the helpers can't run here; undefined when they can. */
export const noPython = python === undefined ? 'python3 is not installed' : undefined

/** Why programs of the host can't run in a container; undefined when they can. */
export const noHostPrograms = noPython ?? (python === '/usr/bin/python3' ? undefined : 'python3 is not in /usr/bin')

/** The command line of a helper. */
export function helper(name: string, ...args: string[]): string[] {
  return [python ?? 'python3', fileURLToPath(new URL(`${name}.py`, import.meta.url)), ...args]
}

/** Makes the host's programs, python3 among them, available in a container: its /usr, read-only. */
export function addHostPrograms(spec: Spec): void {
  spec.mounts.push({ destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] })
}

/** The links that go with it, as Debian has them. */
export function linkHostPrograms(rootfs: string): void {
  mkdirSync(`${rootfs}/usr`)
  for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, `${rootfs}/${name}`)
}
