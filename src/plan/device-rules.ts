/**
 * Which devices a container may use: the rules of linux.resources.devices and, after them, those for the default
 * devices.
 */
import type { Facts } from '../host/host.js'
import type { DeviceRule } from '../host/plan.js'
import type { DeviceRule as ConfigRule } from '../spec/spec.js'
import { CAP_SYS_ADMIN } from './capabilities.js'
import { PlanError } from './error.js'

const NOTHING: DeviceRule = { allow: false, kind: 'a', access: 'rwm' }

/** The same as runc's, and in the same place: after the config's, so that no config can take them away. */
const DEFAULTS: readonly DeviceRule[] = [
  // Making a node is not using it.
  { allow: true, kind: 'c', access: 'm' },
  { allow: true, kind: 'b', access: 'm' },
  { allow: true, kind: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { allow: true, kind: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { allow: true, kind: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { allow: true, kind: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { allow: true, kind: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { allow: true, kind: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { allow: true, kind: 'c', major: 136, access: 'rwm' }, // pts/*
  { allow: true, kind: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { allow: true, kind: 'c', major: 10, minor: 200, access: 'rwm' }, // net/tun
]

/**
 * All rules, starting from "nothing". None for a caller who may not set any: in a user namespace no node can be made,
 * so that the container has the devices that its mounts show. Rules that such a caller's config has are an error,
 * except where we are root of a user namespace already, as every container engine without privileges is: there they say
 * less than that.
 */
export function planDeviceRules(rules: readonly ConfigRule[] = [], facts: Facts): DeviceRule[] {
  if (facts.inUserNamespace) return []
  if (!facts.capabilities.includes(CAP_SYS_ADMIN)) {
    if (rules.length === 0) return []
    throw new PlanError('permission', 'linux.resources.devices', 'an unprivileged user can’t restrict devices')
  }
  const planned = rules.map(toRule)
  const first = planned[0]
  const startsAtNothing = first?.kind === 'a' && first.access === 'rwm'
  return [...(startsAtNothing ? [] : [NOTHING]), ...planned, ...DEFAULTS]
}

function toRule({ allow, type, major = -1, minor = -1, access }: ConfigRule): DeviceRule {
  const kind = type || 'a'
  return {
    allow,
    kind,
    // `a` is every device, whatever numbers stand beside it.
    ...(major !== -1 && kind !== 'a' && { major }),
    ...(minor !== -1 && kind !== 'a' && { minor }),
    access: access || 'rwm',
  }
}
