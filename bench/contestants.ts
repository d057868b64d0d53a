/** What is compared: how each program is told to do each of the tasks. */
import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import process from 'node:process'
import { type Purpose, programs } from './bundle.js'
import type { Step } from './spawner.js'

/** `plan`: `run` up to its finished plan, of the bundle that is run here and of the one that Docker wrote. */
export const tasks = [
  'version',
  'state',
  'plan',
  'plan of Docker’s',
  'run',
  'run from Node',
  'create+start+delete',
  'exec',
  'update',
  'pause+resume',
  'stats',
  'terminal',
] as const
export type Task = (typeof tasks)[number]

/** Tasks on a container that runs all the while. */
export const onStanding: ReadonlySet<Task> = new Set([
  'state',
  'plan',
  'plan of Docker’s',
  'exec',
  'update',
  'pause+resume',
  'stats',
])

/** Tasks that nobody can do where the cgroups in view have no controllers. */
export const ofControllers: ReadonlySet<Task> = new Set(['plan of Docker’s', 'update'])

/** Tasks that take so long that a few repetitions have to do. */
export const long: ReadonlySet<Task> = new Set(['terminal'])

/** Where the bundles and the runtime's own root directory are. */
export interface Places extends Readonly<Record<Purpose | 'docker', string>> {
  readonly rootfs: string
  readonly root: string
}

export interface Contestant {
  readonly name: string
  /** What its file is, for the facts; it is not measured where that is missing. */
  readonly program: string
  /** The steps of one repetition; undefined for a task that it does not know. */
  steps(task: Task, id: string): readonly Step[] | undefined
  /** Done before and after the repetitions of a task on a standing container, which has this id. */
  readonly setUp?: (id: string) => readonly Step[]
  readonly tearDown?: (id: string) => readonly Step[]
}

const timed = (...argv: string[]): Step => ({ argv, timed: true })
const untimed = (...argv: string[]): Step => ({ argv, timed: false })
const untilAllAreGone = untimed()

/** What not all runtimes do, or not in the same words. */
type Own = Partial<Record<Task, (global: readonly string[], id: string) => readonly Step[]>>

/** gantry takes possession of the id once the plan is made: here somebody has it. */
export function ownOfGantry(places: Places): Own {
  const refused = (...argv: string[]): Step => ({ argv, timed: true, refusal: 'already exists' })
  return {
    plan: (global, id) => [refused(...global, 'run', '--bundle', places.run, id)],
    'plan of Docker’s': (global, id) => [refused(...global, 'run', '--bundle', places.docker, id)],
    stats: (global, id) => [timed(...global, 'stats', id)],
    terminal: (global, id) => [timed(...global, 'run', '--bundle', places.write, id)],
  }
}

export const ownOfRunc: Own = { stats: (global, id) => [timed(...global, 'events', '--stats', id)] }

/** A runtime with runc's command line. */
export function runtime(name: string, program: string, places: Places, own: Own = {}): Contestant {
  const global = [program, '--root', `${places.root}/${name}`]
  return {
    name,
    program,
    steps(task, id) {
      switch (task) {
        case 'run':
          return [timed(...global, 'run', '--bundle', places.run, id)]
        case 'run from Node':
          return undefined
        case 'create+start+delete':
          return [
            timed(...global, 'create', '--bundle', places.run, id),
            timed(...global, 'start', id),
            untilAllAreGone,
            timed(...global, 'delete', id),
          ]
        case 'state':
          return [timed(...global, 'state', id)]
        case 'exec':
          return [timed(...global, 'exec', id, 'true')]
        case 'update':
          return [timed(...global, 'update', '--pids-limit', '100', id)]
        case 'pause+resume':
          return [timed(...global, 'pause', id), timed(...global, 'resume', id)]
        case 'version':
          return [timed(program, '--version')]
        case 'plan':
        case 'plan of Docker’s':
        case 'stats':
        case 'terminal':
          return own[task]?.(global, id)
      }
    },
    setUp: (id) => [untimed(...global, 'create', '--bundle', places.wait, id), untimed(...global, 'start', id)],
    tearDown: (id) => [untimed(...global, 'delete', '--force', id)],
  }
}

/** bubblewrap has no containers to create or ask about; it makes a comparable sandbox. */
export function bubblewrap(program: string, { rootfs }: Places): Contestant {
  const sandbox = ['--unshare-all', '--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp']
  return {
    name: 'bubblewrap',
    program,
    steps: (task) =>
      task === 'run'
        ? [timed(program, ...sandbox, '/bin/true')]
        : task === 'version'
          ? [timed(program, '--version')]
          : undefined,
  }
}

/** script(1) has no containers at all; it is between a program's terminal and ours. */
export function script(program: string): Contestant {
  const command = ['-q', '-e', '-c', programs.write.join(' '), '/dev/null']
  return {
    name: 'script',
    program,
    steps: (task) => (task === 'terminal' ? [timed(program, ...command)] : undefined),
  }
}

/** The system calls alone: bench/floor/src/floor.rs. */
export function floor(program: string, { rootfs }: Places): Contestant {
  return { name: 'floor', program, steps: (task) => (task === 'run' ? [timed(program, rootfs)] : undefined) }
}

/** The file of a program on the PATH. */
export function which(name: string): string | undefined {
  const directories = `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter)
  return directories.map((directory) => `${directory}/${name}`).find(existsSync)
}
