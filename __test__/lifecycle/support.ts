/** What the tests of the lifecycle share: a bundle in memory, and a context over a fake host. */
import { type FakeHost, type FakeOptions, fakeHost } from '../../src/host/fake.js'
import type { Inspection } from '../../src/host/host.js'
import type { LaunchPlan } from '../../src/host/plan.js'
import type { Context } from '../../src/lifecycle/context.js'

/** A small valid configuration; `process` goes into its process. */
export function config(process: object = {}, rest: object = {}): string {
  return JSON.stringify({
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['true'], user: { uid: 0, gid: 0 }, ...process },
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }] },
    ...rest,
  })
}

/** A container as a record and the kernel show it. */
export function inspection(change: Partial<Inspection> = {}): Inspection {
  return {
    id: 'web',
    status: 'running',
    pid: 77,
    ociVersion: '1.2.0',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2026-01-02T03:04:05.678Z',
    owner: 0,
    annotations: {},
    ...change,
  }
}

export interface Fixture {
  readonly host: FakeHost
  readonly context: Context
  readonly warnings: string[]
  /** The names of the verbs that were called, in order. */
  verbs(): string[]
  /** What the first call of a verb was given. */
  request(verb: string): unknown
  /** The plan that was launched. */
  plan(): LaunchPlan
}

export function fixture(options: FakeOptions = {}): Fixture {
  const host = fakeHost({ files: { '/b/config.json': config() }, ...options })
  const warnings: string[] = []
  const request = (verb: string) => host.calls.find((call) => call.verb === verb)?.request
  return {
    host,
    context: { host, warn: (text) => void warnings.push(text), debug: () => undefined },
    warnings,
    verbs: () => host.calls.map(({ verb }) => verb),
    request,
    plan() {
      const plan = host.plans[0]
      if (plan === undefined) throw new Error('nothing was launched')
      return plan
    },
  }
}
