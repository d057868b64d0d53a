/**
 * The container's cgroup: in which hierarchies, where in each, who is let at devices. The values of limits are
 * resources.ts.
 */
import type { CgroupHierarchy, Facts } from '../host/host.js'
import type { CgroupPlan, HierarchyPlan } from '../host/plan.js'
import { UnsupportedError } from '../spec/error.js'
import type { Spec } from '../spec/spec.js'
import { CAP_SYS_ADMIN } from './capabilities.js'
import { planDelegation } from './delegation.js'
import { planDeviceRules } from './device-rules.js'
import { PlanError } from './error.js'
import type { Request } from './request.js'
import { planSettings, writesOf } from './resources.js'
import { planUnit } from './systemd.js'

/** None where no cgroup hierarchy is mounted and none is asked for. */
export function planCgroup(spec: Spec, request: Request, facts: Facts): CgroupPlan | undefined {
  const { cgroupsPath, resources } = spec.linux ?? {}
  const layout = cgroupLayout(facts)
  const delegation = planDelegation(spec, facts, layout, request.systemdCgroup)
  const settings = planSettings(resources, facts.cgroups)
  const writes = writesOf(settings)
  const devices = planDeviceRules(resources?.devices, facts)
  const planned = request.systemdCgroup ? planUnit(spec, request, facts, settings, devices) : undefined
  const place = planned ? () => planned.path : planPath(cgroupsPath, request.id)
  if (layout === 'none') {
    if (planned) throw new PlanError('cgroup', '--systemd-cgroup', 'no cgroup hierarchy is mounted')
    if (cgroupsPath) throw new PlanError('cgroup', 'linux.cgroupsPath', 'no cgroup hierarchy is mounted')
    return undefined
  }
  const privileged = facts.capabilities.includes(CAP_SYS_ADMIN) && !facts.inUserNamespace
  const limited = [...writes.values()].some((list) => list.length > 0)
  const hierarchies = facts.cgroups.map(
    (hierarchy): HierarchyPlan => ({
      mount: hierarchy.mount,
      version: hierarchy.version,
      controllers: controllers(hierarchy, privileged, writes.get(hierarchy)?.map(({ file }) => file) ?? []),
      path: place(hierarchy, layout),
      ...(writes.has(hierarchy) && { writes: writes.get(hierarchy) }),
    }),
  )
  // The kernel lets an unprivileged user make cgroups only where an administrator delegated some: cgroups(7).
  const optional = !privileged && !limited && !cgroupsPath
  return { hierarchies, devices, optional, ...(delegation && { delegation }), ...(planned && { unit: planned.unit }) }
}

/** v2 alone, v1 alone, or v1 with a v2 hierarchy beside it, whose cgroup.kill is of use. */
export function cgroupLayout({ cgroups }: Facts): 'none' | 'v1' | 'v2' | 'hybrid' {
  const v1 = cgroups.some(({ version }) => version === 1)
  const v2 = cgroups.some(({ version }) => version === 2)
  if (v1) return v2 ? 'hybrid' : 'v1'
  return v2 ? 'v2' : 'none'
}

type Layout = ReturnType<typeof cgroupLayout>

/**
 * v1: the hierarchy's own. v2: those to enable for the container: all, as callers read their statistics;
 * without privilege those that the limits need, since a delegated subtree has perhaps no others.
 */
function controllers(hierarchy: CgroupHierarchy, privileged: boolean, files: readonly string[]): string[] {
  if (hierarchy.version === 1 || privileged) return [...hierarchy.controllers]
  const needed = new Set(files.map((file) => file.slice(0, file.indexOf('.'))))
  return hierarchy.controllers.filter((controller) => needed.has(controller))
}

/**
 * Where the container's cgroup is below the mount of a hierarchy. An absolute `cgroupsPath` starts at the mount. A
 * relative one, or the id in its place, starts at our own cgroup; on v2 beside it, because a cgroup with processes
 * can't have controlled children.
 */
function planPath(cgroupsPath: string | undefined, id: string): (hierarchy: CgroupHierarchy, layout: Layout) => string {
  const path = cgroupsPath || id
  if (path.split('/').includes('..')) throw new PlanError('request', 'linux.cgroupsPath', `${path} contains ..`)
  if (/^[^/]*:[^/]*:[^/]*$/.test(path)) {
    throw new UnsupportedError('linux.cgroupsPath', `${path} is for the systemd cgroup driver: --systemd-cgroup`)
  }
  return ({ own, version, controllers }, layout) => {
    const beside = version === 2 && (layout === 'v2' || controllers.length > 0)
    const start = path.startsWith('/') ? '' : beside ? own.slice(0, own.lastIndexOf('/')) : own
    const below = `${start}/${path}`.split('/').filter((part) => part !== '' && part !== '.')
    if (below.length === 0)
      throw new PlanError('request', 'linux.cgroupsPath', 'the root cgroup is not a container’s own')
    return below.join('/')
  }
}
