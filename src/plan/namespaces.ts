/**
 * Namespaces, the id maps of a user namespace, the offsets of a time namespace; and what an unprivileged caller may do.
 */
import type { Facts } from '../host/host.js'
import type { IdMap, IdMaps, InitPlan, NamespaceKind, Step } from '../host/plan.js'
import { UnsupportedError } from '../spec/error.js'
import type { IdMapping, ProcessSpec, Spec } from '../spec/spec.js'
import { CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from './capabilities.js'
import { PlanError } from './error.js'

export function planNamespaces(spec: Spec, facts: Facts): Omit<InitPlan, 'steps'> {
  const { namespaces = [], timeOffsets = {}, netDevices, uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  if (!hasNamespace(spec, 'mount')) {
    throw new UnsupportedError('linux.namespaces', 'a container without a mount namespace is not supported')
  }
  const privileged = facts.capabilities.includes(CAP_SYS_ADMIN)
  if (!privileged && !hasNamespace(spec, 'user')) {
    throw new PlanError(
      'permission',
      'linux.namespaces',
      `user ${facts.euid} is not privileged and needs a user namespace: add one of type user, with uidMappings and gidMappings`,
    )
  }
  const idMaps = isNew(spec, 'user') ? planIdMaps(spec, facts) : undefined
  return {
    namespaces: namespaces.map(({ type, path }) => (path ? { kind: type, path } : { kind: type })),
    ...(idMaps && { idMaps }),
    ...(!idMaps &&
      uidMappings.length > 0 && { joinedIds: { uids: uidMappings.map(toIdMap), gids: gidMappings.map(toIdMap) } }),
    timeOffsets: Object.entries(timeOffsets).map(
      ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}`,
    ),
    ...(netDevices && {
      netDevices: Object.entries(netDevices).map(([host, { name }]) => ({ host, ...(name && { name }) })),
    }),
    sourcesFirst: privileged,
  }
}

/** Steps that make new namespaces usable. */
export function namespaceSteps(spec: Spec): Step[] {
  return isNew(spec, 'network') ? ['loopbackUp'] : []
}

/** Whether the container gets a namespace of this kind other than the caller's, new or joined. */
export function hasNamespace(spec: ProcessSpec, kind: NamespaceKind): boolean {
  return spec.linux?.namespaces?.some(({ type }) => type === kind) ?? false
}

/** Whether the container gets a new namespace of this kind. */
export function isNew(spec: ProcessSpec, kind: NamespaceKind): boolean {
  return spec.linux?.namespaces?.some(({ type, path }) => type === kind && !path) ?? false
}

/**
 * Who writes the id maps: ourselves with the capabilities for it, or when we map our own single ids
 * (user_namespaces(7)); otherwise the helpers of shadow-utils, which know the ranges of subuid(5).
 */
function planIdMaps(spec: ProcessSpec, facts: Facts): IdMaps {
  const uids = (spec.linux?.uidMappings ?? []).map(toIdMap)
  const gids = (spec.linux?.gidMappings ?? []).map(toIdMap)
  const may = (capability: number): boolean => facts.capabilities.includes(capability)
  const helpers = !((may(CAP_SETUID) || isOwn(uids, facts.euid)) && (may(CAP_SETGID) || isOwn(gids, facts.egid)))
  return { uids, gids, helpers, denySetgroups: !helpers && !may(CAP_SETGID) }
}

/**
 * Whether setgroups(2) will fail in the container, because who maps a single group without privilege must give it up.
 */
export function setgroupsDenied(spec: ProcessSpec, facts: Facts): boolean {
  return isNew(spec, 'user') && planIdMaps(spec, facts).denySetgroups
}

export function toIdMap({ containerID, hostID, size }: IdMapping): IdMap {
  return { inside: containerID, outside: hostID, size }
}

function isOwn(maps: readonly IdMap[], id: number): boolean {
  return maps.length === 1 && maps[0]?.outside === id && maps[0].size === 1
}

/** Fails when the container's user namespace has no such id: the kernel would say EINVAL and not which one. */
export function requireMapped(spec: ProcessSpec, kind: 'uid' | 'gid', id: number, field: string): void {
  // Of one that is joined, the config need not say the ids.
  if (!spec.linux?.uidMappings?.length) return
  const mappings = spec.linux?.[`${kind}Mappings`] ?? []
  if (mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)) return
  throw new PlanError('userns', field, `${kind} ${id} is not mapped in linux.${kind}Mappings`)
}
