/** The options before the command, checked: where containers are kept, and what is told where. */
import { GantryError } from '../errors.js'
import type { SystemLog } from '../host/host.js'
import { type GivenOption, globalOptions } from './command-line.js'
import { missingValue, unknownOption, usageError } from './usage.js'

export const logLevels = ['error', 'warning', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]
export type LogFormat = 'text' | 'json'

export interface Globals {
  /** As it was given: it may be relative. */
  readonly root?: string
  /** The file that the log is appended to, or the service that gets it; none: standard error. */
  readonly log?: string | SystemLog
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
  readonly systemdCgroup: boolean
  readonly help: boolean
  readonly version: boolean
}

/**
 * Reads the options in order, so that of a repeated one the last counts. A wrong one ends the reading and comes back as
 * `problem`, beside what was read before it: that says where the problem is told.
 */
export function readGlobals(options: readonly GivenOption[]): { globals: Globals; problem?: GantryError } {
  let globals: Globals = { logFormat: 'text', logLevel: 'error', systemdCgroup: false, help: false, version: false }
  try {
    for (const option of options) globals = { ...globals, ...readOption(option) }
    return { globals }
  } catch (error) {
    if (error instanceof GantryError) return { globals, problem: error }
    throw error
  }
}

function readOption({ name, value }: GivenOption): Partial<Globals> {
  switch (name) {
    case 'root':
      return { root: given(name, value) }
    case 'log':
      return { log: logTarget(given(name, value)) }
    case 'log-format':
      return { logFormat: oneOf(name, given(name, value), ['text', 'json']) }
    case 'log-level':
      return { logLevel: oneOf(name, given(name, value), logLevels) }
    case 'debug':
      return { logLevel: readBoolean(name, value) ? 'debug' : 'error' }
    case 'systemd-cgroup':
      return { systemdCgroup: readBoolean(name, value) }
    case 'cgroup-manager':
      return { systemdCgroup: cgroupManager(given(name, value)) === 'systemd' }
    case 'rootless':
      // What it chooses between is found out from the machine; the word is checked because callers pass it.
      oneOf(name, given(name, value), ['true', 'false', 'auto'])
      return {}
    case 'help':
    case 'h':
      return { help: readBoolean(name, value) }
    case 'version':
    case 'v':
      return { version: readBoolean(name, value) }
    default:
      throw unknownOption(name, Object.keys(globalOptions))
  }
}

function given(name: string, value: string | undefined): string {
  if (value === undefined) throw missingValue(name)
  if (value === '' && name !== 'log') throw usageError(`the value of --${name} is empty`)
  return value
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw usageError(`invalid ${name}: ${value} (one of ${allowed.join(', ')})`)
  return found
}

function cgroupManager(value: string): string {
  const manager = oneOf('cgroup-manager', value, ['cgroupfs', 'systemd', 'disabled'])
  if (manager === 'disabled') throw new GantryError('ERR_UNSUPPORTED', '--cgroup-manager disabled: not supported yet')
  return manager
}

/** A path, with or without `file:` before it, or a service and who is to be named there: `journald:ID`, `syslog:ID`. */
function logTarget(value: string): string | SystemLog {
  const [, scheme, rest = ''] = /^(file|journald|syslog):(.*)$/s.exec(value) ?? []
  if (scheme === undefined) return value
  if (scheme === 'file') return rest
  return { service: scheme === 'journald' ? 'journald' : 'syslog', identifier: rest || 'gantry' }
}

/** `--flag`, `--flag=true`, `--flag=0`: the words that Go's strconv.ParseBool takes, as callers written in Go send them. */
export function readBoolean(name: string, value: string | undefined): boolean {
  if (value === undefined || ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw usageError(`invalid boolean value "${value}" for --${name}`)
}
