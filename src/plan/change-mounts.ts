/** Mounts that a container which is there gets, or loses. */
import type { ContainerRef, Facts } from '../host/host.js'
import type { MountsPlan } from '../host/plan.js'
import { resolvePath } from '../spec/rules.js'
import type { Mount, Spec } from '../spec/spec.js'
import { PlanError } from './error.js'
import { planMounts } from './mounts.js'
import { closeMounts, hostPropagation } from './rootfs.js'

type Change = Pick<MountsPlan, 'propagation' | 'steps'>

/** File systems that show a namespace or cgroup which the helper that mounts is not in, or that were made by the launch. */
const OF_THE_LAUNCH = ['proc', 'cgroup', 'cgroup2']

/** Adds `added`, in order, to the container that was made from `config`. */
export function planAdd(
  config: Spec,
  added: readonly Mount[],
  container: ContainerRef & { readonly bundle: string },
  facts: Facts,
): Change {
  for (const [index, { type = '', destination, options = [] }] of added.entries()) {
    const binds = options.some((option) => option === 'bind' || option === 'rbind')
    if (!binds && OF_THE_LAUNCH.includes(type)) {
      throw new PlanError('request', `mounts[${index}].type`, `${type} can't be added to a container that is there`)
    }
    if (resolvePath(destination) === '/') {
      throw new PlanError('request', `mounts[${index}].destination`, 'the root of a container that is there stays')
    }
  }
  const mounts = planMounts({ ...config, mounts: added }, { ...container, notify: false }, facts, undefined)
  return { propagation: hostPropagation(config), steps: [...mounts, ...closeMounts(mounts), 'done'] }
}

/** Takes away what is mounted at the place of a mount. */
export function planRemove(config: Spec, { destination }: Mount): Change {
  return { propagation: hostPropagation(config), steps: [{ unmount: { path: resolvePath(destination) } }, 'done'] }
}

/** The mounts of a config without the last one at the place of `removed`, if there is one. */
export function without(mounts: readonly Mount[], removed: Mount): readonly Mount[] {
  const place = resolvePath(removed.destination)
  const at = mounts.findLastIndex(({ destination }) => resolvePath(destination) === place)
  return at < 0 ? mounts : mounts.toSpliced(at, 1)
}
