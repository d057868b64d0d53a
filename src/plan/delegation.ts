/** Whether a container gets its v2 cgroup to do with as it likes: systemd or a container engine in it needs that. */
import type { Facts } from '../host/host.js'
import type { Delegation } from '../host/plan.js'
import type { Mount, Spec } from '../spec/spec.js'
import { PlanError } from './error.js'

/** crun's: the name of a cgroup below the container's, which is handed over in place of that. */
const ANNOTATION = 'run.oci.delegate-cgroup'

export function planDelegation(
  spec: Spec,
  facts: Facts,
  layout: 'none' | 'v1' | 'v2' | 'hybrid',
): Delegation | undefined {
  const below = spec.annotations?.[ANNOTATION]
  const owner = layout === 'v2' ? planOwner(spec, facts) : undefined
  if (!below) return owner === undefined ? undefined : { owner }
  const field = `annotations[${JSON.stringify(ANNOTATION)}]`
  if (layout !== 'v2') throw new PlanError('cgroup', field, 'needs cgroup v2 alone')
  if (below.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new PlanError(
      'request',
      field,
      `expected the name of a cgroup such as payload, found ${JSON.stringify(below)}`,
    )
  }
  return { below, ...(owner !== undefined && { owner }) }
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
