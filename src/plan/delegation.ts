/** Whether a container gets its v2 cgroup to do with as it likes: systemd or a container engine in it needs that. */
import type { Facts } from '../host/host.js'
import type { Delegation } from '../host/plan.js'
import type { Mount, Spec } from '../spec/spec.js'
import { PlanError } from './error.js'

/** crun's: the name of a cgroup below the container's, which is handed over in place of that. */
const DELEGATED = 'run.oci.delegate-cgroup'
/** crun's: the name of a cgroup below the scope that systemd makes, for the container's processes. */
const SUBGROUP = 'run.oci.systemd.subgroup'

export function planDelegation(
  spec: Spec,
  facts: Facts,
  layout: 'none' | 'v1' | 'v2' | 'hybrid',
  systemd: boolean,
): Delegation | undefined {
  const below = [SUBGROUP, DELEGATED].flatMap((annotation) => {
    const name = spec.annotations?.[annotation]
    if (!name) return []
    const field = `annotations[${JSON.stringify(annotation)}]`
    if (annotation === SUBGROUP && !systemd) {
      throw new PlanError('cgroup', field, 'is for the systemd cgroup driver: --systemd-cgroup')
    }
    return checkName(name, field, layout)
  })
  const owner = layout === 'v2' ? planOwner(spec, facts) : undefined
  if (below.length === 0 && owner === undefined) return undefined
  return { ...(below.length > 0 && { below: below.join('/') }), ...(owner !== undefined && { owner }) }
}

function checkName(name: string, field: string, layout: string): string {
  if (layout !== 'v2') throw new PlanError('cgroup', field, 'needs cgroup v2 alone')
  if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    const message = `expected the name of a cgroup such as payload, found ${JSON.stringify(name)}`
    throw new PlanError('request', field, message)
  }
  return name
}

/**
 * The host uid of the container's root, where that is another one than ours, by the rule of the runtime-spec (config-linux.md,
 * cgroup ownership): it has a cgroup namespace of its own, in which a cgroup file system is mounted for writing.
 */
function planOwner({ mounts = [], linux = {} }: Spec, { euid }: Facts): number | undefined {
  const isNew = (kind: string) => linux.namespaces?.some(({ type, path }) => type === kind && !path) ?? false
  if (!isNew('cgroup') || !isNew('user') || !mounts.some(isWritableCgroup)) return undefined
  const root = linux.uidMappings?.find(({ containerID }) => containerID === 0)
  return root === undefined || root.hostID === euid ? undefined : root.hostID
}

function isWritableCgroup({ type, options = [] }: Mount): boolean {
  return (type === 'cgroup' || type === 'cgroup2') && options.lastIndexOf('ro') <= options.lastIndexOf('rw')
}
