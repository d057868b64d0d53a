/** A machine, a request and a config that tests change one thing of. */
import type { CgroupHierarchy, Facts } from '../../src/host/host.js'
import type { LaunchPlan, Mount, Step } from '../../src/host/plan.js'
import { planContainer } from '../../src/plan/plan.js'
import type { Request } from '../../src/plan/request.js'
import { checkSpec } from '../../src/spec/parse.js'

export const V2: readonly CgroupHierarchy[] = [
  { mount: '/sys/fs/cgroup', version: 2, controllers: ['cpuset', 'cpu', 'memory', 'pids'], own: '/user.slice/shell' },
]

export const V1: readonly CgroupHierarchy[] = [
  { mount: '/sys/fs/cgroup/cpu,cpuacct', version: 1, controllers: ['cpu', 'cpuacct'], own: '/' },
  { mount: '/sys/fs/cgroup/memory', version: 1, controllers: ['memory'], own: '/own' },
  { mount: '/sys/fs/cgroup/pids', version: 1, controllers: ['pids'], own: '/own' },
  { mount: '/sys/fs/cgroup/systemd', version: 1, controllers: ['name=systemd'], own: '/own' },
]

export const HYBRID: readonly CgroupHierarchy[] = [
  ...V1,
  { mount: '/sys/fs/cgroup/unified', version: 2, controllers: ['hugetlb'], own: '/own' },
]

export const ROOT: Facts = {
  kernel: '6.18.0',
  euid: 0,
  egid: 0,
  inUserNamespace: false,
  capabilities: Array.from({ length: 41 }, (_, number) => number),
  cgroups: V2,
}

/** A user without privileges. */
export const USER: Facts = { ...ROOT, euid: 1000, egid: 100, capabilities: [] }

export const REQUEST: Request = {
  root: '/run/gantry',
  id: 'c1',
  bundle: '/bundle',
  rootfs: '/bundle/rootfs',
  created: '2026-01-01T00:00:00Z',
  gate: true,
  noPivot: false,
  noNewKeyring: false,
  preserveFds: 0,
  listenFds: 0,
  notify: false,
  stdio: [0, 1, 2],
  systemdCgroup: false,
  readonlyView: false,
}

export interface Changes {
  readonly config?: object
  readonly process?: object
  readonly linux?: object
  readonly request?: Partial<Request>
  readonly facts?: Partial<Facts>
}

/** What becomes of a config with a mount namespace and `true` as its program. */
export function planned(changes: Changes = {}): { plan: LaunchPlan; warnings: readonly string[] } {
  const spec = checkSpec('config.json', {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/', ...changes.process },
    linux: { namespaces: [{ type: 'mount' }], ...changes.linux },
    ...changes.config,
  })
  return planContainer(spec, { ...REQUEST, ...changes.request }, { ...ROOT, ...changes.facts })
}

export function plan(changes?: Changes): LaunchPlan {
  return planned(changes).plan
}

/** An unprivileged user's container, with a user namespace of the one id of {@link USER}. */
export function rootless(changes: Changes = {}): Changes {
  return {
    ...changes,
    facts: { ...USER, ...changes.facts },
    linux: {
      namespaces: [{ type: 'user' }, { type: 'mount' }],
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 100, size: 1 }],
      ...changes.linux,
    },
  }
}

type Named = Exclude<Step, string>
type NameOf<S> = S extends Named ? keyof S : never
export type StepName = NameOf<Named> | Extract<Step, string>

/** The name of a step. */
export function nameOf(step: Step): string {
  return typeof step === 'string' ? step : (Object.keys(step)[0] ?? '')
}

export function names({ init }: LaunchPlan): string[] {
  return init.steps.map(nameOf)
}

/** The steps of a name, as they are. */
export function steps({ init }: LaunchPlan, name: StepName): Step[] {
  return init.steps.filter((step) => nameOf(step) === name)
}

export function mountsOf({ init }: LaunchPlan): Mount[] {
  return init.steps.flatMap((step) => (typeof step !== 'string' && 'mount' in step ? [step.mount] : []))
}
