/** Id-mapped mounts: whose ids the files of a mount are shown with (config.md; crun(1) for the ids in the option itself). */
import type { Facts } from '../host/host.js'
import type { IdMap, MappedIds, MountIdMap } from '../host/plan.js'
import type { IdMapping, Mount, Spec } from '../spec/spec.js'
import { CAP_SYS_ADMIN } from './capabilities.js'
import { PlanError } from './error.js'
import { toIdMap } from './namespaces.js'
import type { MountOptions } from './options.js'

/** The ids of the option, else those of the mount, else the container's; none for a mount that asks for none. */
export function planIdMap(
  mount: Mount,
  { idMap, remount }: MountOptions,
  spec: Spec,
  facts: Facts,
  field: string,
): MountIdMap | undefined {
  const { uidMappings = [], gidMappings = [] } = mount
  if (!idMap && uidMappings.length === 0) return undefined
  if (remount) throw new PlanError('request', `${field}.options`, 'what is mounted already cannot get other ids')
  if (!facts.capabilities.includes(CAP_SYS_ADMIN)) {
    throw new PlanError('permission', `${field}.options`, 'an id-mapped mount needs privileges over its file system')
  }
  const recursive = idMap?.recursive ?? false
  if (idMap?.inline !== undefined) return { ids: { ranges: inlineIds(idMap.inline, spec, field) }, recursive }
  if (uidMappings.length > 0) return { ids: ranges(uidMappings, gidMappings), recursive }
  const user = spec.linux?.namespaces?.find(({ type }) => type === 'user')
  if (!user) {
    throw new PlanError(
      'request',
      `${field}.options`,
      'an id-mapped mount needs uidMappings and gidMappings, or a user namespace in linux.namespaces',
    )
  }
  if (user.path) return { ids: { namespace: { path: user.path } }, recursive }
  return { ids: containerIds(spec), recursive }
}

/** The ids of the container's new user namespace. */
export function containerIds({ linux }: Spec): MappedIds {
  return ranges(linux?.uidMappings, linux?.gidMappings)
}

function ranges(uids: readonly IdMapping[] = [], gids: readonly IdMapping[] = []): MappedIds {
  return { ranges: { uids: uids.map(toIdMap), gids: gids.map(toIdMap) } }
}

/** `uids=0-1000-10#10-2000-1;gids=…`: of the file system, of the host, how many. */
function inlineIds(text: string, spec: Spec, field: string): { uids: IdMap[]; gids: IdMap[] } {
  const found: { uids?: IdMap[]; gids?: IdMap[] } = {}
  for (const part of text.split(';')) {
    const [, kind, list] = /^(uids|gids)=(.+)$/.exec(part) ?? []
    if ((kind !== 'uids' && kind !== 'gids') || list === undefined || found[kind]) throw malformed(text, field)
    const container = spec.linux?.[kind === 'uids' ? 'uidMappings' : 'gidMappings'] ?? []
    found[kind] = list.split('#').map((range) => inlineRange(range, container, text, field))
  }
  const { uids, gids } = found
  if (!uids || !gids) throw malformed(text, field)
  return { uids, gids }
}

/** After an `@`, the host's id is relative to where the container's user namespace has the first one. */
function inlineRange(range: string, container: readonly IdMapping[], text: string, field: string): IdMap {
  const [, relative, ...numbers] = /^(@?)(\d+)-(\d+)-(\d+)$/.exec(range) ?? []
  const [inside = -1, outside = -1, size = 0] = numbers.map(Number)
  const base = relative
    ? container.find((one) => inside >= one.containerID && inside < one.containerID + one.size)
    : undefined
  if (relative && !base) {
    throw new PlanError('userns', `${field}.options`, `id ${inside} of ${range} is not mapped in the container`)
  }
  const map = { inside, outside: outside + (base ? base.hostID - base.containerID : 0), size }
  const end = 2 ** 32 - 1
  if (inside < 0 || size < 1 || map.outside < 0 || Math.max(inside, map.outside) + size > end)
    throw malformed(text, field)
  return map
}

function malformed(text: string, field: string): PlanError {
  return new PlanError(
    'request',
    `${field}.options`,
    `expected idmap=uids=0-1000-10;gids=0-1000-10, found idmap=${text}`,
  )
}
