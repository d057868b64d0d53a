/**
 * A checked config to a {@link LaunchPlan}: which steps there are, and in which order. Start here; each area is a file
 * beside this one.
 *
 * Pure: what is asked of the machine comes in with the facts. The order is that of a launch in docs/architecture.md,
 * and a wrong one is a hole or a broken container: nothing can be mounted after the root is read-only, no hostname set
 * after the capabilities are gone.
 */
import type { Facts } from '../host/host.js'
import type { LaunchPlan } from '../host/plan.js'
import { formatJson } from '../spec/json.js'
import type { Spec } from '../spec/spec.js'
import { planHardLimits, requireSelinux, withMountLabel } from './attributes.js'
import { planCgroup } from './cgroup.js'
import { deviceSteps } from './devices.js'
import { planDescriptors } from './fds.js'
import { createHooks, hostHooks } from './hooks.js'
import { planMounts } from './mounts.js'
import { isNew, namespaceSteps, planNamespaces } from './namespaces.js'
import { identitySteps, programSteps, sessionSteps } from './process.js'
import type { Request } from './request.js'
import { planResctrl } from './resctrl.js'
import { attachRoot, closeRoot, enterRoot } from './rootfs.js'
import { planSeccomp } from './seccomp.js'

export interface Planned {
  readonly plan: LaunchPlan
  /** What the runtime-spec has us say and go on: capabilities that were left out. */
  readonly warnings: readonly string[]
}

/** Throws an UnsupportedError for what we don't do, a PlanError for what can't be done here. */
export function planContainer(spec: Spec, request: Request, facts: Facts): Planned {
  const warnings: string[] = []
  const namespaces = planNamespaces(spec, facts)
  const cgroup = planCgroup(spec, request, facts)
  const resctrl = planResctrl(spec, request, facts)
  const mounts = planMounts(spec, request, facts, cgroup)
  const { oomScoreAdj } = spec.process
  const pidfdSocket = request.pidfdSocket ?? spec.annotations?.['run.oci.pidfd_receiver']
  const hardLimits = isNew(spec, 'user') ? planHardLimits(spec.process) : []
  const seccomp = planSeccomp(spec.linux?.seccomp)
  const resources = spec.linux?.resources
  const hooks = hostHooks(spec, request)
  const plan: LaunchPlan = {
    record: {
      root: request.root,
      id: request.id,
      ociVersion: spec.ociVersion,
      bundle: request.bundle,
      rootfs: request.rootfs,
      created: request.created,
      annotations: { ...spec.annotations },
      ...(resources && { resources: formatJson(resources) }),
      ...(hooks && { hooks }),
    },
    ...(request.pidFile !== undefined && { pidFile: request.pidFile }),
    ...(cgroup && { cgroup }),
    ...(resctrl && { resctrl }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
    ...(hardLimits.length > 0 && { hardLimits }),
    descriptors: planDescriptors(request),
    ...(request.consoleSocket !== undefined && { consoleSocket: request.consoleSocket }),
    ...(pidfdSocket !== undefined && { pidfdSocket }),
    notifyDirectory: request.notify,
    ...(seccomp !== undefined && { seccomp }),
    init: {
      ...namespaces,
      steps: [
        ...requireSelinux(spec.process, spec.linux),
        ...namespaceSteps(spec),
        ...attachRoot(spec, request),
        ...withMountLabel(mounts, spec.linux?.mountLabel),
        ...deviceSteps(spec, facts),
        ...createHooks(spec, request),
        ...enterRoot(spec, request),
        ...sessionSteps(spec, request),
        ...closeRoot(spec, mounts),
        ...identitySteps(spec, facts, warnings),
        ...programSteps(spec, request),
      ],
    },
  }
  return { plan, warnings }
}
