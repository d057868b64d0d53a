/** `linux.intelRdt`: the control group of resctrl that the container gets (config-linux.md). */
import type { Facts } from '../host/host.js'
import type { ResctrlPlan, ResctrlUpdate } from '../host/plan.js'
import type { Spec } from '../spec/spec.js'
import { PlanError } from './error.js'
import type { Request } from './request.js'

export function planResctrl(
  spec: Spec,
  { id }: Pick<Request, 'id'>,
  { resctrl: root }: Facts,
): ResctrlPlan | undefined {
  const { intelRdt } = spec.linux ?? {}
  if (!intelRdt) return undefined
  if (root === undefined) {
    throw new PlanError('request', 'linux.intelRdt', 'the file system resctrl is not mounted here')
  }
  const { closID = '', l3CacheSchema, memBwSchema, schemata = [], enableMonitoring } = intelRdt
  const lines = [l3CacheSchema, memBwSchema, ...schemata].filter((line): line is string => !!line)
  const group = closID === '/' ? root : `${root}/${closID || id}`
  return {
    group,
    create: closID === '' ? 'own' : lines.length === 0 || closID === '/' ? 'never' : 'ifMissing',
    schemata: lines,
    ...(enableMonitoring && { monitoring: `${group}/mon_groups/${id}` }),
  }
}

/** Lines in place of those of the config. */
export interface CacheShares {
  readonly l3CacheSchema?: string
  readonly memBwSchema?: string
}

/** New shares for the control group of a container that is there, which its config has to name. */
export function planShares(
  spec: Spec,
  container: Pick<Request, 'id'>,
  { l3CacheSchema, memBwSchema }: CacheShares,
  facts: Facts,
): ResctrlUpdate {
  const planned = planResctrl(spec, container, facts)
  if (!planned) {
    throw new PlanError('request', 'linux.intelRdt', 'the container was made without, so it has no shares of its own')
  }
  return { group: planned.group, schemata: [l3CacheSchema, memBwSchema].filter((line) => line !== undefined) }
}
