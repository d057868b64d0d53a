/**
 * What the fields of a config.json have to do with each other. The rules are the runtime-spec's, or runc's where it
 * says so.
 */
import { describe, UINT32_MAX } from './check.js'
import { brokenProcessRules } from './process.js'
import { brokenResourceRules } from './resources.js'
import { brokenSeccompRules } from './seccomp.js'
import type { IdMapping, Linux, Mount, Spec } from './spec.js'

/**
 * The files of a procfs that may be mounted over, as in runc: all others could hide what labels and limits are written
 * to.
 */
const PROC_FILES: ReadonlySet<string> = new Set([
  '/proc/cpuinfo',
  '/proc/diskstats',
  '/proc/meminfo',
  '/proc/stat',
  '/proc/swaps',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/slabinfo',
  '/proc/sys/kernel/ns_last_pid',
  '/proc/sys/crypto/fips_enabled',
])

/** The rules that a document breaks, each as its field and what is wrong. */
export function brokenRules(spec: Spec): string[] {
  const linux = spec.linux ?? {}
  return [
    ...namespaces(spec, linux),
    ...idMappings('linux.uidMappings', linux.uidMappings),
    ...idMappings('linux.gidMappings', linux.gidMappings),
    ...(spec.mounts ?? []).flatMap((mount, index) => mountRules(mount, `mounts[${index}]`)),
    ...brokenProcessRules(spec),
    ...devices(linux),
    ...netDevices(linux),
    ...sysctls(linux),
    ...(linux.resources ? brokenResourceRules('linux.resources.', linux.resources) : []),
    ...(linux.seccomp ? brokenSeccompRules(linux.seccomp) : []),
  ]
}

function namespaces(spec: Spec, linux: Linux): string[] {
  const problems: string[] = []
  const kinds = new Map<string, boolean>()
  for (const [index, { type, path }] of (linux.namespaces ?? []).entries()) {
    if (kinds.has(type)) problems.push(`linux.namespaces[${index}]: a second namespace of type ${type}`)
    kinds.set(type, !path)
  }
  const need = (field: string, value: unknown, type: string, fresh = false): void => {
    if (value === undefined || value === '' || (fresh ? kinds.get(type) : kinds.has(type))) return
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return
    problems.push(`${field}: needs a ${fresh ? 'new ' : ''}${type} namespace in linux.namespaces`)
  }
  need('hostname', spec.hostname, 'uts')
  need('domainname', spec.domainname, 'uts')
  need('linux.uidMappings', linux.uidMappings, 'user')
  need('linux.gidMappings', linux.gidMappings, 'user')
  need('linux.timeOffsets', linux.timeOffsets, 'time', true)
  need('linux.netDevices', linux.netDevices, 'network')
  need('linux.maskedPaths', linux.maskedPaths, 'mount')
  need('linux.readonlyPaths', linux.readonlyPaths, 'mount')
  if (kinds.has('user') && !kinds.get('user') && !linux.uidMappings?.length !== !linux.gidMappings?.length) {
    problems.push('linux: uidMappings and gidMappings: expected both or neither for a user namespace that is joined')
  }
  if (kinds.get('user')) {
    for (const field of ['uidMappings', 'gidMappings'] as const) {
      if (!linux[field]?.length) problems.push(`linux.${field}: a new user namespace needs at least one mapping`)
    }
  }
  for (const clock of Object.keys(linux.timeOffsets ?? {})) {
    if (clock !== 'monotonic' && clock !== 'boottime') {
      problems.push(`linux.timeOffsets: expected monotonic or boottime, found ${describe(clock)}`)
    }
  }
  return problems
}

function idMappings(field: string, mappings: readonly IdMapping[] = []): string[] {
  return mappings.flatMap(({ containerID, hostID, size }, index) =>
    Math.max(containerID, hostID) + size > UINT32_MAX ? [`${field}[${index}]: ids end at ${UINT32_MAX - 1}`] : [],
  )
}

function mountRules(mount: Mount, field: string): string[] {
  const { destination, type, options = [], uidMappings = [], gidMappings = [] } = mount
  const problems: string[] = [
    ...idMappings(`${field}.uidMappings`, uidMappings),
    ...idMappings(`${field}.gidMappings`, gidMappings),
  ]
  const target = resolvePath(destination)
  const source = options.some((option) => option === 'bind' || option === 'rbind' || option === 'remount')
  if (target.startsWith('/proc/') && !PROC_FILES.has(target)) {
    problems.push(`${field}.destination: ${target} cannot be mounted because it is inside /proc`)
  }
  if (!source && (type === undefined || type === ''))
    problems.push(`${field}.type: expected a file system, found nothing`)
  if (!source && (type === 'bind' || type === 'none')) {
    problems.push(`${field}.options: expected bind or rbind among them for the type ${type}`)
  }
  if (uidMappings.length > 0 !== gidMappings.length > 0) {
    problems.push(`${field}: uidMappings and gidMappings: expected both or neither`)
  }
  return problems
}

function devices(linux: Linux): string[] {
  return (linux.devices ?? []).flatMap(({ type, major, minor }, index) =>
    type !== 'p' && (major === undefined || minor === undefined)
      ? [`linux.devices[${index}]: major and minor: expected for a device of type ${type}`]
      : [],
  )
}

/** A name as the kernel takes it for an interface; a new one may be a template. */
function netDevices({ netDevices = {} }: Linux): string[] {
  const problems: string[] = []
  const names = new Set<string>()
  for (const [host, { name }] of Object.entries(netDevices)) {
    const field = `linux.netDevices[${JSON.stringify(host)}]`
    if (!isInterface(host)) problems.push(`${field}: expected the name of a network interface`)
    if (!name) continue
    if (!isInterface(name.replace('%d', '0')) || name.replace('%d', '').includes('%')) {
      problems.push(`${field}.name: expected the name of a network interface, or one with %d, found ${describe(name)}`)
    }
    if (names.has(name) && !name.includes('%d')) problems.push(`${field}.name: a second interface of the name ${name}`)
    names.add(name)
  }
  return problems
}

function isInterface(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..'
}

/** sysctl(7) has no list of these: they are the variables that the kernel keeps in each ipc namespace. */
const IPC_SYSCTL = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/

function sysctls(linux: Linux): string[] {
  const kinds = new Set(linux.namespaces?.map(({ type }) => type))
  return Object.keys(linux.sysctl ?? {}).flatMap((key) => {
    const field = `linux.sysctl[${JSON.stringify(key)}]`
    const parts = sysctlPath(key).split('/')
    if (parts.some((part) => part === '' || part === '.' || part === '..'))
      return [`${field}: expected a name such as net.ipv4.ip_forward`]
    const name = parts.join('.')
    if (name === 'kernel.hostname') return [`${field}: set hostname instead`]
    const kind = IPC_SYSCTL.test(name)
      ? 'ipc'
      : parts[0] === 'net'
        ? 'network'
        : parts[0] === 'user'
          ? 'user'
          : name === 'kernel.domainname'
            ? 'uts'
            : undefined
    if (kind === undefined) return [`${field}: belongs to the whole machine, not to a namespace`]
    return kinds.has(kind) ? [] : [`${field}: needs a ${kind} namespace in linux.namespaces`]
  })
}

/**
 * The file below /proc/sys of a sysctl in either form of sysctl(8): the separator that comes first is the one that
 * separates, the other stands for itself: `net.ipv4.conf.eno2/100.rp_filter`, `net/ipv4/conf/eno2.100/rp_filter`.
 */
export function sysctlPath(key: string): string {
  if (/^[^./]*\//.test(key)) return key
  return key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))
}

/** An absolute path without `.`, `..` and doubled slashes. A relative one starts at `/`; nothing is above that. */
export function resolvePath(path: string): string {
  // Nearly every path is in this form already.
  if (/^(?:\/[^/.][^/]*)+$/.test(path)) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
