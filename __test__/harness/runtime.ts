/**
 * The runtimes that the tests in ../runtime can be pointed at, and how each is called.
 *
 * `gantry` is the static binary, `node` the same TypeScript on Node, `runc` and `crun` are the distribution's: what they
 * agree on shows that a test is right, not only that it passes. The environment variable RUNTIME picks one (or several,
 * separated by commas); without it every behaviour runs on every runtime that it names.
 */
import { existsSync } from 'node:fs'
import { packageDirectory, repository } from './package.js'

export type RuntimeName = 'gantry' | 'node' | 'runc' | 'crun'

/** Both hosts of our own runtime. */
export const ours: readonly RuntimeName[] = ['gantry', 'node']
/** Behaviours of ours that runc has too. */
export const likeRunc: readonly RuntimeName[] = ['gantry', 'node', 'runc']
/** Behaviours that all runtimes share. */
export const everyone: readonly RuntimeName[] = ['gantry', 'node', 'runc', 'crun']

export interface Runtime {
  readonly name: RuntimeName
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Why it can't be used here. */
  readonly absent?: string
}

/** The environment that commands get: what callers of runtimes give, and no more. */
export const plainEnv = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } as const

/** Where PATH has a program, or nothing. */
export function which(program: string): string | undefined {
  return plainEnv.PATH.split(':')
    .map((directory) => `${directory}/${program}`)
    .find((path) => existsSync(path))
}

/** Whether the machine has cgroup v2 at /sys/fs/cgroup, and nothing else. */
const pureV2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
/** Why there is no view of cgroup v1 here; undefined when there is one. */
export const noV1 = existsSync('/sys/fs/cgroup/pids/cgroup.procs') ? undefined : 'cgroup v1 is not mounted'

/** Runs what follows in a mount namespace that has only cgroup v2, at /sys/fs/cgroup. */
export const v2View: readonly string[] = pureV2
  ? [] // Another mount would change the options of this one too.
  : view('umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup')
/** Runs what follows in a mount namespace that has only cgroup v1 hierarchies. */
export const v1View: readonly string[] = view('! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified')

function view(mounts: string): readonly string[] {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', `${mounts}; exec "$@"`, 'sh']
}

function installed(name: RuntimeName, wrapper: readonly string[] = []): Runtime {
  const path = which(name)
  return {
    name,
    command: [...wrapper, path ?? name],
    env: {},
    ...(path === undefined && { absent: `${name} is not installed` }),
  }
}

function built(name: RuntimeName, command: readonly string[], file: string, env: Record<string, string> = {}): Runtime {
  return { name, command, env, ...(!existsSync(file) && { absent: `${file} is not built` }) }
}

export function runtime(name: RuntimeName): Runtime {
  switch (name) {
    case 'gantry':
      return built(name, [`${repository}dist/gantry`], `${repository}dist/gantry`)
    case 'node':
      return built(name, [process.execPath, `${packageDirectory}bin/gantry.js`], `${repository}dist/gantry.node`, {
        GANTRY_HOST: 'node',
      })
    case 'runc':
      return installed(name)
    case 'crun':
      // crun 1.8 refuses hybrid layouts.
      return installed(name, v2View)
  }
}

/** The runtimes that RUNTIME asks for; undefined: all. */
export const wanted: readonly string[] | undefined = process.env.RUNTIME?.split(',')
