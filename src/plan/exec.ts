/**
 * Another process in a container that is there: its steps are those of the container's own process, less all that makes the
 * container.
 *
 * The order is that of identity before visibility: the process becomes one that the container's others can see only when it
 * has no more rights than they may have. A scheduling policy, which a child may not inherit, has to come after that, and needs rights.
 */
import type { Facts } from '../host/host.js'
import type { ExecPlan, SubCgroup } from '../host/plan.js'
import type { ProcessSpec } from '../spec/spec.js'
import { planCpuAffinity, planHardLimits, requireSelinux } from './attributes.js'
import { PlanError } from './error.js'
import { planDescriptors } from './fds.js'
import { hasNamespace } from './namespaces.js'
import { identitySteps, keyringStep, planProgram, terminalSteps } from './process.js'
import type { Activation } from './request.js'

/** What a caller wants of the process beside its process section: the options of `exec`, resolved. Paths are absolute. */
export interface ExecRequest extends Activation {
  readonly root: string
  readonly id: string
  readonly ignorePaused: boolean
  /** As given, `[CONTROLLER[,CONTROLLER]:]PATH` each: where below the container's cgroup; none: there itself. */
  readonly cgroups: readonly string[]
  readonly pidFile?: string
  readonly consoleSocket?: string
  readonly pidfdSocket?: string
  readonly preserveFds: number
  /** The terminal's master is a stream of the caller's. */
  readonly plainTerminal?: boolean
  readonly stdio: readonly [number, number, number]
  /** As in {@link Request}. */
  readonly fds?: readonly number[]
}

/** `config` is what the container was made from, with the new process in the place of its own. */
export function planExec(
  config: ProcessSpec,
  request: ExecRequest,
  facts: Facts,
): { readonly plan: ExecPlan; readonly warnings: readonly string[] } {
  const warnings: string[] = []
  const { process } = config
  const { root, id, ignorePaused, cgroups, pidFile, consoleSocket, pidfdSocket } = request
  const { oomScoreAdj } = process
  const hardLimits = hasNamespace(config, 'user') ? planHardLimits(process) : []
  const { initial, final } = planCpuAffinity(process)
  const plan: ExecPlan = {
    root,
    id,
    ignorePaused,
    ...(cgroups.length > 0 && { cgroup: subCgroups(cgroups, facts) }),
    ...(pidFile !== undefined && { pidFile }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
    descriptors: planDescriptors(request),
    ...(consoleSocket !== undefined && { consoleSocket }),
    ...(pidfdSocket !== undefined && { pidfdSocket }),
    seccomp: config.linux?.seccomp !== undefined,
    ...(hardLimits.length > 0 && { hardLimits }),
    ...(initial && { firstCpus: initial }),
    steps: [
      ...requireSelinux(process),
      // What is set for a whole process group must not be set for the caller's.
      'newSession',
      ...terminalSteps(process, { console: false, plain: request.plainTerminal }),
      keyringStep(process, id),
      ...(process.scheduler ? ['fork' as const] : []),
      ...identitySteps(config, facts, warnings),
      ...(final ? [{ cpuAffinity: { cpus: final } }] : []),
      'findProgram',
      'commit',
      ...(process.scheduler ? [] : ['fork' as const]),
      'newSession',
      ...(process.noNewPrivileges ? ['noNewPrivileges' as const] : []),
      { exec: planProgram(process, request) },
    ],
  }
  return { plan, warnings }
}

/** A directory in each hierarchy that is named; without controllers, in all. */
function subCgroups(given: readonly string[], { cgroups }: Facts): SubCgroup[] {
  const chosen = new Map<string, string>()
  for (const text of given) {
    const colon = text.indexOf(':')
    const path = below(text.slice(colon + 1))
    const controllers = colon < 0 ? undefined : text.slice(0, colon).split(',')
    for (const controller of controllers ?? []) {
      if (!cgroups.some(({ version, controllers }) => version === 1 && controllers.includes(controller))) {
        throw invalid(`there is no cgroup v1 controller ${JSON.stringify(controller)}`)
      }
    }
    for (const hierarchy of cgroups) {
      if (controllers !== undefined && !controllers.some((one) => hierarchy.controllers.includes(one))) continue
      chosen.set(hierarchy.mount, path)
    }
  }
  return [...chosen].map(([mount, path]) => ({ mount, path }))
}

/** Below and never beside: `..` is no way out. */
function below(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw invalid(`${path} is not below the cgroup of the container`)
  return parts.join('/')
}

function invalid(text: string): PlanError {
  return new PlanError('request', '--cgroup', text)
}
