/** `doctor`: what this machine, and this user on it, can and can't do for containers, each with what a person can do about it. */
import { toGantryError } from '../errors.js'
import { type CgroupHierarchy, type Facts, type Host, HostFailure } from '../host/host.js'
import { CAP_SYS_ADMIN } from '../plan/capabilities.js'
import { subordinateIds } from './id-ranges.js'

export interface Check {
  readonly id:
    | 'kernel'
    | 'user-namespaces'
    | 'id-ranges'
    | 'cgroups'
    | 'seccomp'
    | 'lsm'
    | 'id-mapped-mounts'
    | 'overlay'
    | 'sandbox'
  /** `warn`: something that is not needed by all. */
  readonly status: 'ok' | 'warn' | 'fail'
  /** One line: what was found. */
  readonly detail: string
  /** What a person can do about it, or what it keeps from working. */
  readonly hint?: string
}

export interface Diagnosis {
  /** No check failed. */
  readonly ok: boolean
  readonly checks: readonly Check[]
}

/** `attempt` runs a small sandbox: what all the other checks are about. */
export async function diagnose(host: Host, attempt: () => Promise<void>): Promise<Diagnosis> {
  const facts = await host.facts()
  const privileged = facts.capabilities.includes(CAP_SYS_ADMIN)
  const checks = [
    kernel(facts),
    await userNamespaces(host, privileged),
    ...(privileged ? [] : [await idRanges(host, facts)]),
    await cgroups(host, facts),
    await seccomp(host),
    await lsm(host),
    idMappedMounts(facts, privileged),
    await overlay(host),
    await sandbox(attempt),
  ]
  return { ok: checks.every(({ status }) => status !== 'fail'), checks }
}

function kernel({ kernel: release }: Facts): Check {
  if (atLeast(release, 5, 12)) return { id: 'kernel', status: 'ok', detail: `Linux ${release}` }
  return { id: 'kernel', status: 'fail', detail: `Linux ${release}`, hint: 'containers need Linux 5.12 or newer' }
}

async function userNamespaces(host: Host, privileged: boolean): Promise<Check> {
  const id = 'user-namespaces'
  const number = async (name: string) => (await read(host, `/proc/sys/${name}`))?.trim()
  const status = privileged ? 'warn' : 'fail'
  if ((await read(host, '/proc/self/uid_map')) === undefined) {
    return { id, status, detail: 'the kernel has none', hint: 'it was built without CONFIG_USER_NS' }
  }
  if ((await number('user/max_user_namespaces')) === '0') {
    return { id, status, detail: 'none may be made', hint: 'sysctl user.max_user_namespaces=15000' }
  }
  if (!privileged && (await number('kernel/unprivileged_userns_clone')) === '0') {
    return { id, status, detail: 'for root only', hint: 'sysctl kernel.unprivileged_userns_clone=1' }
  }
  if (!privileged && (await number('kernel/apparmor_restrict_unprivileged_userns')) === '1') {
    const hint =
      'an AppArmor profile for this program with "userns,", or sysctl kernel.apparmor_restrict_unprivileged_userns=0'
    return { id, status: 'warn', detail: 'AppArmor lets only programs with a profile use them', hint }
  }
  return { id, status: 'ok', detail: 'can be made' }
}

async function idRanges(host: Host, facts: Facts): Promise<Check> {
  const id = 'id-ranges'
  const single = 'without them a container has one user, root'
  const ranges = await subordinateIds(host, facts)
  if (ranges === undefined) {
    const hint = `${single}: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER`
    return { id, status: 'warn', detail: 'none in /etc/subuid and /etc/subgid', hint }
  }
  for (const helper of ['newuidmap', 'newgidmap']) {
    if (!(await succeeds(host, ['sh', '-c', `command -v ${helper}`]))) {
      return {
        id,
        status: 'warn',
        detail: `${helper} is not installed`,
        hint: `${single}: install uidmap or shadow-utils`,
      }
    }
  }
  const count = ranges.uidMappings.reduce((sum, { size }) => sum + size, 0)
  return { id, status: 'ok', detail: `${count} user ids` }
}

async function cgroups(host: Host, { cgroups: hierarchies, euid }: Facts): Promise<Check> {
  const id = 'cgroups'
  const v2 = hierarchies.find(({ version }) => version === 2)
  const v1 = hierarchies.filter(({ version }) => version === 1)
  if (hierarchies.length === 0) {
    return {
      id,
      status: 'warn',
      detail: 'none are mounted',
      hint: 'containers have no limits: mount cgroup2 on /sys/fs/cgroup',
    }
  }
  const layout = v1.length === 0 ? 'v2' : v2 ? 'v1 with v2 beside it' : 'v1'
  const found = new Set(hierarchies.flatMap(({ controllers }) => controllers))
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !found.has(name))
  const detail = `${layout}${missing.length > 0 ? `, without ${missing.join(', ')}` : ''}`
  const writable = await isWritable(host, v1.find(({ controllers }) => controllers.includes('memory')) ?? v2)
  if (!writable) {
    const hint =
      euid === 0
        ? 'limits cannot be set: the cgroup file system is read-only here'
        : 'limits cannot be set: run below systemd-run --user --scope -p Delegate=yes, or as root'
    return { id, status: 'warn', detail: `${detail}, not for us to write`, hint }
  }
  if (missing.length > 0) return { id, status: 'warn', detail, hint: `limits of ${missing.join(', ')} are an error` }
  return { id, status: 'ok', detail }
}

async function isWritable(host: Host, hierarchy: CgroupHierarchy | undefined): Promise<boolean> {
  return hierarchy !== undefined && (await succeeds(host, ['test', '-w', `${hierarchy.mount}${hierarchy.own}`]))
}

async function seccomp(host: Host): Promise<Check> {
  const id = 'seccomp'
  const actions = await read(host, '/proc/sys/kernel/seccomp/actions_avail')
  if (actions?.includes('errno')) return { id, status: 'ok', detail: actions.trim() }
  return { id, status: 'fail', detail: 'no filters', hint: 'the kernel was built without CONFIG_SECCOMP_FILTER' }
}

async function lsm(host: Host): Promise<Check> {
  const modules = (await read(host, '/sys/kernel/security/lsm'))?.trim()
  if (modules) return { id: 'lsm', status: 'ok', detail: modules }
  const hint = 'apparmorProfile and selinuxLabel in a config are errors'
  return { id: 'lsm', status: 'ok', detail: 'none that can be seen', hint }
}

function idMappedMounts({ kernel: release, inUserNamespace }: Facts, privileged: boolean): Check {
  const id = 'id-mapped-mounts'
  if (privileged && !inUserNamespace && atLeast(release, 5, 12)) {
    return { id, status: 'ok', detail: 'on ext4, xfs, btrfs (5.15), tmpfs (6.3) and others' }
  }
  return { id, status: 'warn', detail: 'not for this user', hint: 'they take privileges over the file system' }
}

async function overlay(host: Host): Promise<Check> {
  const id = 'overlay'
  const known = /\boverlay$/m.test((await read(host, '/proc/filesystems')) ?? '')
  if (known) return { id, status: 'ok', detail: 'overlayfs is there' }
  return { id, status: 'warn', detail: 'overlayfs is not loaded', hint: 'modprobe overlay, for roots with an overlay' }
}

async function sandbox(attempt: () => Promise<void>): Promise<Check> {
  try {
    await attempt()
    return { id: 'sandbox', status: 'ok', detail: 'a command ran in one' }
  } catch (thrown) {
    const { message, hint } = toGantryError(thrown)
    return { id: 'sandbox', status: 'fail', detail: message, ...(hint !== undefined && { hint }) }
  }
}

/** Nothing where it is missing or closed. */
async function read(host: Host, path: string): Promise<string | undefined> {
  try {
    return await host.readText(path)
  } catch (error) {
    if (error instanceof HostFailure) return undefined
    throw error
  }
}

async function succeeds(host: Host, argv: readonly string[]): Promise<boolean> {
  try {
    return (await host.runProgram(argv)).ok
  } catch (error) {
    if (error instanceof HostFailure) return false
    throw error
  }
}

function atLeast(release: string, major: number, minor: number): boolean {
  const [, one = '0', other = '0'] = /^(\d+)\.(\d+)/.exec(release) ?? []
  return Number(one) > major || (Number(one) === major && Number(other) >= minor)
}
