/** The container's process: session, terminal, limits, credentials, environment, program. */
import type { Facts } from '../host/host.js'
import type { Credentials, Program, Step } from '../host/plan.js'
import { RLIMITS } from '../spec/rules.js'
import type { Spec } from '../spec/spec.js'
import { attributeSteps } from './attributes.js'
import { ALL_CAPABILITIES, planCapabilities } from './capabilities.js'
import { PlanError } from './error.js'
import { NOTIFY_DIRECTORY } from './mounts.js'
import { hasNamespace, requireMapped, setgroupsDenied } from './namespaces.js'
import type { Request } from './request.js'

/** As in runc, whatever the caller's own mask is. */
const DEFAULT_UMASK = 0o022

export function sessionSteps({ process }: Spec, request: Request): Step[] {
  const { terminal, consoleSize, user, selinuxLabel } = process
  return [
    terminal
      ? {
          terminal: {
            ...(request.console !== undefined && { slave: request.console }),
            ...(consoleSize && { rows: consoleSize.height, columns: consoleSize.width }),
            ...(request.plainTerminal && { plain: true }),
            uid: user.uid,
          },
        }
      : 'newSession',
    ...(request.noNewKeyring
      ? []
      : [{ sessionKeyring: { name: `_ses.${request.id}`, ...(selinuxLabel && { label: selinuxLabel }) } }]),
  ]
}

/** Up to the working directory, with the rights that the process will have. */
export function identitySteps(spec: Spec, facts: Facts, warnings: string[]): Step[] {
  const { rlimits = [], user, cwd } = spec.process
  return [
    { umask: { mask: user.umask ?? DEFAULT_UMASK } },
    ...attributeSteps(spec.process, spec.linux),
    ...rlimits.map(({ type, soft, hard }) => ({
      rlimit: { resource: RLIMITS.get(type) ?? -1, soft: String(soft), hard: String(hard) },
    })),
    { credentials: planCredentials(spec, facts, warnings) },
    { workingDirectory: { path: cwd } },
  ]
}

/** From the last look at the program to its start. */
export function programSteps(spec: Spec, request: Request): Step[] {
  return [
    'findProgram',
    'commit',
    ...(request.gate ? ['gate' as const] : []),
    ...(spec.process.noNewPrivileges ? ['noNewPrivileges' as const] : []),
    { exec: planProgram(spec, request) },
  ]
}

function planCredentials(spec: Spec, facts: Facts, warnings: string[]): Credentials {
  const { user, capabilities } = spec.process
  const { uid, gid, additionalGids = [] } = user
  requireMapped(spec, 'uid', uid, 'process.user.uid')
  requireMapped(spec, 'gid', gid, 'process.user.gid')
  for (const [index, group] of additionalGids.entries()) {
    requireMapped(spec, 'gid', group, `process.user.additionalGids[${index}]`)
  }
  const kept = spec.annotations?.['run.oci.keep_original_groups'] === '1'
  const denied = setgroupsDenied(spec, facts)
  if (denied && additionalGids.length > 0) {
    throw new PlanError(
      'userns',
      'process.user.additionalGids',
      'an unprivileged user with a single gid can’t set groups',
    )
  }
  const grantable = hasNamespace(spec, 'user') ? ALL_CAPABILITIES : facts.capabilities
  return {
    uid,
    gid,
    ...(!(denied || kept) && { groups: [...additionalGids] }),
    capabilities: planCapabilities(capabilities, grantable, warnings),
    // Without no_new_privs only CAP_SYS_ADMIN may load a filter (seccomp(2)), and that comes after this.
    ...(spec.linux?.seccomp && !spec.process.noNewPrivileges && { keepAdmin: true }),
  }
}

function planProgram(spec: Spec, request: Request): Program {
  const { args, env = [], user } = spec.process
  const variables = dedupe([...env, ...notifyVariables(request), ...listenVariables(request)])
  const hasHome = variables.some((one) => /^HOME=./.test(one))
  return {
    args: [...args],
    env: hasHome ? variables : variables.filter((one) => one !== 'HOME='),
    ...(!hasHome && { homeOf: user.uid }),
  }
}

function notifyVariables({ notify }: Request): string[] {
  return notify ? [`NOTIFY_SOCKET=${NOTIFY_DIRECTORY}/notify.sock`] : []
}

/** sd_listen_fds(3); the program is process 1 of its namespace. */
function listenVariables({ listenFds, listenFdNames }: Request): string[] {
  if (listenFds === 0) return []
  return [
    `LISTEN_FDS=${listenFds}`,
    'LISTEN_PID=1',
    ...(listenFdNames === undefined ? [] : [`LISTEN_FDNAMES=${listenFdNames}`]),
  ]
}

/** Of several with one name the last stays, in its place. */
function dedupe(env: readonly string[]): string[] {
  const last = new Map<string, string>()
  for (const variable of env) {
    const name = variable.slice(0, variable.indexOf('='))
    last.delete(name)
    last.set(name, variable)
  }
  return [...last.values()]
}
