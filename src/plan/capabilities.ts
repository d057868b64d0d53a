/** Capabilities by name and number (capabilities(7)), and the sets of a container. */
import type { CapabilitySets } from '../host/plan.js'
import type { Capabilities } from '../spec/spec.js'
import { PlanError } from './error.js'

/** Their names in the order of their numbers. */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
]

/** What the first process of a new user namespace holds. */
export const ALL_CAPABILITIES: readonly number[] = [...CAPABILITIES.keys()]

export const CAP_SETGID = 6
export const CAP_SETUID = 7
export const CAP_SYS_ADMIN = 21

/**
 * The five sets. What is unknown or not in `grantable` is left out and becomes a warning, as the runtime-spec asks.
 * Without `capabilities` in the config all sets are empty.
 */
export function planCapabilities(
  config: Capabilities = {},
  grantable: readonly number[],
  warnings: string[],
): CapabilitySets {
  const rejected = new Map<string, string>()
  const numbers = (names: readonly string[] = []): number[] => {
    const set = new Set<number>()
    for (const name of names) {
      const number = CAPABILITIES.indexOf(name)
      if (number === -1) rejected.set(name, 'unknown')
      else if (!grantable.includes(number)) rejected.set(name, 'not ours to give')
      else set.add(number)
    }
    return [...set].sort((a, b) => a - b)
  }
  const bounding = numbers(config.bounding)
  const permitted = numbers(config.permitted)
  const effective = numbers(config.effective)
  const inheritable = numbers(config.inheritable)
  // By definition none is ambient that is not both permitted and inheritable; the config of `spec` lists such.
  const ambient = numbers(config.ambient).filter((one) => permitted.includes(one) && inheritable.includes(one))
  requireSubset('effective', effective, 'permitted', permitted)
  requireSubset('inheritable', inheritable, 'bounding', bounding)
  for (const [name, why] of rejected) warnings.push(`process.capabilities: ${name} is ${why} and was left out`)
  return { bounding, effective, permitted, inheritable, ambient }
}

/** capset(2) would refuse, and not say what. */
function requireSubset(name: string, set: readonly number[], of: string, larger: readonly number[]): void {
  const missing = set.find((number) => !larger.includes(number))
  if (missing === undefined) return
  throw new PlanError('request', `process.capabilities.${name}`, `${CAPABILITIES[missing]} is not in ${of}`)
}
