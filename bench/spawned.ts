/**
 * What a Node program does that has no gantry: it spawns crun, or bubblewrap with the isolation of gantry's `run`: the same kinds of
 * namespaces, no capabilities, the same filter of system calls. Like `run`, both collect what their program writes.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { strictSeccomp } from '../src/spec/strict-seccomp.js'
import { type Places, which } from './contestants.js'
import type { InNode } from './node.js'

/** `parts`: bench/floor/src/parts.rs, which compiles the filter. */
export function spawnedFromNode(parts: string, places: Places): InNode[] {
  const [crun, bwrap] = ['crun', 'bwrap'].map(which)
  const found: InNode[] = []
  if (crun !== undefined) {
    const command = ['--root', `${places.root}/crun`, 'run', '--bundle', places.run]
    found.push({
      name: 'crun',
      once: (id) => timed(() => spawn(crun, [...command, id], { stdio: ['ignore', 'pipe', 'pipe'] })),
    })
  }
  if (bwrap !== undefined) {
    const filter = `${places.root}/filter`
    writeFileSync(filter, execFileSync(parts, ['filter'], { input: JSON.stringify(strictSeccomp) }))
    found.push({
      name: 'bubblewrap',
      async once() {
        // bubblewrap reads it to its end.
        const descriptor = openSync(filter, 'r')
        try {
          return await timed(() =>
            spawn(bwrap, sandbox(places.rootfs), { stdio: ['ignore', 'pipe', 'pipe', descriptor] }),
          )
        } finally {
          closeSync(descriptor)
        }
      },
    })
  }
  return found
}

function sandbox(rootfs: string): string[] {
  const process = ['--unshare-all', '--unshare-user', '--new-session', '--die-with-parent', '--cap-drop', 'ALL']
  const mounts = ['--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue']
  const rest = ['--ro-bind', '/sys', '/sys', '--tmpfs', '/tmp', '--hostname', 'sandbox', '--seccomp', '3']
  return [...process, ...mounts, ...rest, '--clearenv', '--setenv', 'PATH', '/bin', '/bin/true']
}

async function timed(start: () => ChildProcess): Promise<number> {
  const before = performance.now()
  const child = start()
  let said = ''
  child.stdout?.resume()
  child.stderr?.on('data', (text) => {
    said += text
  })
  const [code] = await once(child, 'close')
  const took = performance.now() - before
  if (code !== 0) throw new Error(`${child.spawnfile}: exit status ${code}: ${said}`)
  return took
}
