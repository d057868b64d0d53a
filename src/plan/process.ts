/** The container's process: session, terminal, limits, credentials, environment, program. */
import type { Facts } from '../host/host.js'
import type { Credentials, Program, Step } from '../host/plan.js'
import { RLIMITS } from '../spec/process.js'
import type { Process, ProcessSpec, Spec } from '../spec/spec.js'
import { attributeSteps } from './attributes.js'
import { ALL_CAPABILITIES, planCapabilities } from './capabilities.js'
import { PlanError } from './error.js'
import { startHooks } from './hooks.js'
import { NOTIFY_DIRECTORY } from './mounts.js'
import { hasNamespace, requireMapped, setgroupsDenied } from './namespaces.js'
import type { Activation, Request } from './request.js'

/** As in runc, whatever the caller's own mask is. */
const DEFAULT_UMASK = 0o022

export function sessionSteps({ process }: Spec, request: Request): Step[] {
  return [
    ...terminalSteps(process, { console: true, slave: request.console, plain: request.plainTerminal }),
    'newSession',
    ...(request.noNewKeyring ? [] : [keyringStep(process, request.id)]),
  ]
}

/** `slave`: a pty slave of the caller's, in place of a new one. */
export function terminalSteps(
  { terminal, consoleSize, user }: Process,
  { slave, plain, console }: { readonly slave?: string; readonly plain?: boolean; readonly console: boolean },
): Step[] {
  if (!terminal) return []
  const size = consoleSize && { rows: consoleSize.height, columns: consoleSize.width }
  return [
    { terminal: { ...(slave !== undefined && { slave }), ...size, ...(plain && { plain }), uid: user.uid, console } },
  ]
}

/** All processes of a container share one. */
export function keyringStep({ selinuxLabel }: Process, id: string): Step {
  return { sessionKeyring: { name: `_ses.${id}`, ...(selinuxLabel && { label: selinuxLabel }) } }
}

/** Up to the working directory, with the rights that the process will have. */
export function identitySteps(spec: ProcessSpec, facts: Facts, warnings: string[]): Step[] {
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
    ...(request.idle ? [] : ['findProgram' as const]),
    'commit',
    ...(request.gate ? ['gate' as const] : []),
    ...(spec.process.noNewPrivileges ? ['noNewPrivileges' as const] : []),
    ...startHooks(spec, request),
    { exec: planProgram(spec.process, request) },
  ]
}

function planCredentials(spec: ProcessSpec, facts: Facts, warnings: string[]): Credentials {
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

export function planProgram({ args, env = [], user }: Process, request: Activation & Partial<Request>): Program {
  const variables = dedupe([...env, ...notifyVariables(request), ...listenVariables(request)])
  const hasHome = variables.some((one) => /^HOME=./.test(one))
  const listenPid = request.listenFds > 0
  return {
    args: [...args],
    env: variables.filter((one) => (hasHome || one !== 'HOME=') && !(listenPid && one.startsWith('LISTEN_PID='))),
    ...(!hasHome && { homeOf: user.uid }),
    listenPid,
  }
}

function notifyVariables({ notify }: Partial<Request>): string[] {
  return notify ? [`NOTIFY_SOCKET=${NOTIFY_DIRECTORY}/notify.sock`] : []
}

/** sd_listen_fds(3), but for the pid. */
function listenVariables({ listenFds, listenFdNames }: Activation): string[] {
  if (listenFds === 0) return []
  return [`LISTEN_FDS=${listenFds}`, ...(listenFdNames === undefined ? [] : [`LISTEN_FDNAMES=${listenFdNames}`])]
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
