/** `linux.intelRdt`: the control group of resctrl that the container gets (config-linux.md). */
import type { Facts } from '../host/host.js'
import type { ResctrlPlan } from '../host/plan.js'
import type { Spec } from '../spec/spec.js'
import { PlanError } from './error.js'
import type { Request } from './request.js'

export function planResctrl(spec: Spec, { id }: Request, { resctrl: root }: Facts): ResctrlPlan | undefined {
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
