/**
 * Where a failure becomes text, once. The engine and init say {step, object, errno}; callers of an OCI runtime look for
 * certain words in the message, so those steps have their own sentence here, and all others read `cannot <step> <object>: <errno>`.
 */
import { errno, errorText } from './errno.js'
import { HostFailure } from './host/host.js'
import type { Failure } from './host/plan.js'
import { type Obstacle, PlanError } from './plan/error.js'
import { programError } from './program-errors.js'
import { SpecError, UnsupportedError } from './spec/error.js'

/** What a program can tell errors apart by. docs/errors.md says when each comes. */
export const errorCodes = [
  'ERR_ABORTED',
  'ERR_ARCHIVE',
  'ERR_CGROUP',
  'ERR_COPY',
  'ERR_EXEC_DENIED',
  'ERR_EXEC_NOT_FOUND',
  'ERR_EXISTS',
  'ERR_EXIT',
  'ERR_HOOK',
  'ERR_IMAGE',
  'ERR_INPUT',
  'ERR_INTERNAL',
  'ERR_INVALID_ARGUMENT',
  'ERR_INVALID_SPEC',
  'ERR_NOT_FOUND',
  'ERR_NOT_PAUSED',
  'ERR_NOT_RUNNING',
  'ERR_NOT_STOPPED',
  'ERR_NO_BINARY',
  'ERR_OUTPUT',
  'ERR_PAUSED',
  'ERR_PERMISSION',
  'ERR_START',
  'ERR_TIMEOUT',
  'ERR_UNSUPPORTED',
  'ERR_USERNS',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export interface ErrorDetails {
  /** What was being done, in words that complete "cannot …". */
  readonly step?: string
  /** errno(3) of the system call that failed. */
  readonly errno?: number
  /** The file, or other object, that it was done to. */
  readonly path?: string
  /** What a person can do about it: one line. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Every failure of ours. The message is one line. */
export class GantryError extends Error implements ErrorDetails {
  override readonly name = 'GantryError'
  readonly code: ErrorCode
  readonly step?: string
  readonly errno?: number
  readonly path?: string
  readonly hint?: string

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.step = details.step
    this.errno = details.errno
    this.path = details.path
    this.hint = details.hint
  }
}

const planCodes: Readonly<Record<Obstacle, ErrorCode>> = {
  permission: 'ERR_PERMISSION',
  userns: 'ERR_USERNS',
  cgroup: 'ERR_CGROUP',
  request: 'ERR_INVALID_ARGUMENT',
}

/** Whatever was thrown, as an error of ours. */
export function toGantryError(thrown: unknown): GantryError {
  if (thrown instanceof GantryError) return thrown
  if (thrown instanceof HostFailure) return fromFailure(thrown)
  if (thrown instanceof SpecError) {
    return new GantryError('ERR_INVALID_SPEC', thrown.message, { path: thrown.file, cause: thrown })
  }
  if (thrown instanceof UnsupportedError) return new GantryError('ERR_UNSUPPORTED', thrown.message, { cause: thrown })
  if (thrown instanceof PlanError) {
    return new GantryError(planCodes[thrown.obstacle], thrown.message, { path: thrown.field, cause: thrown })
  }
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  return new GantryError('ERR_INTERNAL', `internal error: ${text}`, { cause: thrown })
}

/** The sentence about a failure that is not thrown. */
export function failureText(failure: Failure): string {
  return sentenceOf(new HostFailure(failure)).text
}

function fromFailure(failure: HostFailure): GantryError {
  const { code, text, hint } = sentenceOf(failure)
  return new GantryError(code, text, {
    step: failure.step,
    errno: failure.errno === 0 ? undefined : failure.errno,
    path: failure.object === '' ? undefined : failure.object,
    hint: hint ?? hintOf(failure),
    cause: failure,
  })
}

interface Sentence {
  readonly code: ErrorCode
  readonly text: string
  readonly hint?: string
}

/** The steps whose words are fixed by those who call OCI runtimes; runc's own words, except where two callers disagree. */
function sentenceOf(failure: HostFailure): Sentence {
  const { step, object } = failure
  switch (`${step}: ${nameOf(failure.errno)}`) {
    case 'find container: ENOENT':
      return { code: 'ERR_NOT_FOUND', text: `container does not exist: ${object}` }
    case 'create container: EEXIST':
      return { code: 'ERR_EXISTS', text: 'container with given ID already exists' }
    case 'delete container: EBUSY':
      return { code: 'ERR_NOT_STOPPED', text: `cannot delete container that is not stopped: ${object}` }
    case 'signal container: ESRCH':
    case 'pause container: ESRCH':
    case 'update container: ESRCH':
    case 'change mounts of container: ESRCH':
      return { code: 'ERR_NOT_RUNNING', text: 'container not running' }
    case 'resume container: EINVAL':
      return { code: 'ERR_NOT_PAUSED', text: 'container not paused' }
    case 'start container: ENOENT':
    case 'start container: ESRCH':
      return { code: 'ERR_NOT_RUNNING', text: 'cannot start a container that has stopped' }
    case 'start container: EALREADY':
      return { code: 'ERR_START', text: 'cannot start an already running container' }
    case 'start container: EBUSY':
      return { code: 'ERR_PAUSED', text: 'cannot start a container in the paused state' }
    case 'start container: EAGAIN':
      return { code: 'ERR_START', text: 'cannot start a container in the creating state' }
    case 'compile seccomp: EINVAL':
      return { code: 'ERR_INVALID_SPEC', text: object }
    case 'apply: EOPNOTSUPP': {
      const what = object.endsWith('apparmorProfile') ? 'AppArmor' : 'SELinux'
      return { code: 'ERR_UNSUPPORTED', text: `${object}: ${what} is not enabled on this machine` }
    }
    case 'unmount: EINVAL':
      return { code: 'ERR_INVALID_ARGUMENT', text: `nothing is mounted at ${object}` }
    case 'exec in container: ESRCH':
      return { code: 'ERR_NOT_RUNNING', text: 'cannot exec in a stopped container' }
    case 'exec in container: EBUSY':
      return { code: 'ERR_PAUSED', text: 'cannot exec in a paused container (use --ignore-paused to override)' }
    case 'chdir to: ENOENT':
    case 'chdir to: EACCES':
    case 'chdir to: ENOTDIR': {
      const text = `chdir to cwd ("${object}") set in config.json failed: ${errorText(failure.errno)}`
      return { code: failure.errno === errno.EACCES ? 'ERR_PERMISSION' : 'ERR_START', text }
    }
    default:
      // runc's words.
      if (isHook(step))
        return { code: 'ERR_HOOK', text: `error running ${step.slice('run '.length)} ${withErrno(failure)}` }
      return programError(failure) ?? plainSentence(failure)
  }
}

/** `run poststart hook` */
function isHook(step: string): boolean {
  return /^run \w+ hook$/.test(step)
}

function withErrno({ object, errno: number }: HostFailure): string {
  return number === 0 ? object : `${object}: ${errorText(number)}`
}

function plainSentence({ step, object, errno: number }: HostFailure): Sentence {
  const denied = number === errno.EPERM || number === errno.EACCES
  const what = object === '' ? step : `${step} ${object}`
  const code = denied ? 'ERR_PERMISSION' : areaOf(what)
  return { code, text: number === 0 ? `cannot ${what}` : `cannot ${what}: ${errorText(number)}` }
}

function areaOf(what: string): ErrorCode {
  if (/^(un)?pack /.test(what)) return 'ERR_ARCHIVE'
  if (what.includes('cgroup')) return 'ERR_CGROUP'
  if (/[ug]id_?map|user namespace|map ids/.test(what)) return 'ERR_USERNS'
  return 'ERR_START'
}

function nameOf(number: number): string {
  return Object.entries(errno).find(([, value]) => value === number)?.[0] ?? ''
}

function hintOf({ step, object, errno: number }: HostFailure): string | undefined {
  const area = areaOf(`${step} ${object}`)
  if (step === 'map the ids of' && number === errno.EINVAL) {
    return 'its file system may have no id-mapped mounts: from Node, ownIds: false does without'
  }
  if (number !== errno.EPERM && number !== errno.EACCES) return undefined
  if (area === 'ERR_USERNS') {
    return 'user namespaces may be switched off here: see user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns'
  }
  return area === 'ERR_CGROUP' ? 'an unprivileged user needs a cgroup that was delegated to them' : undefined
}
