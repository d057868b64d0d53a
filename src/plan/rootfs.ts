/** The root: how it is attached, entered, and closed to writing. */
import type { Propagation, Step } from '../host/plan.js'
import { sysctlPath } from '../spec/rules.js'
import type { Spec } from '../spec/spec.js'
import { PlanError } from './error.js'
import { needsRootInPlace } from './hooks.js'
import { containerIds } from './mapped-mounts.js'
import { isNew } from './namespaces.js'
import type { Request } from './request.js'

/** Before everything that is mounted in it. */
export function attachRoot(spec: Spec, request: Request): Step[] {
  const { to } = rootPropagation(spec)
  if (request.noPivot && to === 'private') {
    throw new PlanError('request', 'linux.rootfsPropagation', 'private is not safe without pivot_root')
  }
  const ids = request.rootIds ? { idMap: containerIds(spec) } : undefined
  const { overlay } = request
  const changes = typeof overlay === 'string' ? { changes: overlay } : undefined
  // What it notes of its own in a user namespace is in attributes that are allowed there.
  const parameters = isNew(spec, 'user') ? [{ name: 'userxattr' }] : []
  return [
    { hostPropagation: { to: hostPropagation(spec) } },
    { rootfs: { path: request.rootfs, ...(needsRootInPlace(spec) && { inPlace: true }), ...ids } },
    ...(overlay === undefined ? [] : [{ overlay: { ...changes, ...(changes && ids), parameters } }]),
    ...(request.readonlyView ? [{ readonlyPath: { path: '/' } }] : []),
  ]
}

/**
 * What is mounted in the container must not appear on the host, unless the config shares mounts with it. A mount that can't be bound
 * could not be the root: that comes at the end.
 */
export function hostPropagation(spec: Spec): Propagation {
  const { to } = rootPropagation(spec)
  return to === 'unbindable' ? 'slave' : to
}

/** Once all is mounted. A missing working directory is made first, while that can be done. */
export function enterRoot(spec: Spec, request: Request): Step[] {
  const { cwd } = spec.process
  return [...(cwd === '/' ? [] : [{ directory: { path: cwd } }]), request.noPivot ? 'moveRoot' : 'pivotRoot']
}

/** Once nothing more has to be made in `mounts`. */
export function closeMounts(mounts: readonly Step[]): Step[] {
  return mounts.some(isReadonlyLast) ? ['readonlyMounts'] : []
}

/** Once nothing more has to be made in it, nor in its `mounts`. */
export function closeRoot(spec: Spec, mounts: readonly Step[]): Step[] {
  const { hostname, domainname, linux = {} } = spec
  const { to, recursive } = rootPropagation(spec)
  return [
    ...(to === 'shared' || to === 'unbindable' ? [{ rootPropagation: { to, recursive } }] : []),
    ...(spec.root.readonly ? ['readonlyRoot' as const] : []),
    ...closeMounts(mounts),
    ...(hostname ? [{ hostname: { name: hostname } }] : []),
    ...(domainname ? [{ domainname: { name: domainname } }] : []),
    ...Object.entries(linux.sysctl ?? {}).map(([key, value]) => ({ sysctl: { path: sysctlPath(key), value } })),
    ...(linux.readonlyPaths ?? []).map((path) => ({ readonlyPath: { path } })),
    ...(linux.maskedPaths ?? []).map((path) => ({
      maskedPath: { path, ...(linux.mountLabel && { label: linux.mountLabel }) },
    })),
  ]
}

function isReadonlyLast(step: Step): boolean {
  return typeof step !== 'string' && 'mount' in step && step.mount.special?.includes('readonlyLast') === true
}

/** `rslave` unless the config says otherwise. */
function rootPropagation({ linux }: Spec): { to: Propagation; recursive: boolean } {
  const name = linux?.rootfsPropagation || 'rslave'
  for (const to of ['shared', 'private', 'unbindable'] as const) {
    if (name === to || name === `r${to}`) return { to, recursive: name !== to }
  }
  return { to: 'slave', recursive: name === 'rslave' }
}
