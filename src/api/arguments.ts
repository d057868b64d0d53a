/** Checks of what callers pass, who may write JavaScript. Each throws ERR_INVALID_ARGUMENT and names the option. */
import { GantryError } from '../errors.js'
import { HostFailure } from '../host/host.js'
import { PlanError } from '../plan/error.js'
import { SpecError, UnsupportedError } from '../spec/error.js'

export function invalidArgument(text: string): GantryError {
  return new GantryError('ERR_INVALID_ARGUMENT', text)
}

/** For messages: whatever it is, it is not asked to describe itself. */
export function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Reads what the caller passed. What breaks there, in a getter, a proxy, bytes that are gone, is the caller's mistake. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (isOurs(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : describe(cause)
    throw new GantryError('ERR_INVALID_ARGUMENT', `${what} can't be used: ${reason}`, { cause })
  }
}

function isOurs(error: unknown): boolean {
  return [GantryError, HostFailure, SpecError, UnsupportedError, PlanError].some((type) => error instanceof type)
}

/** An object with no other names than these: one that is misspelt would be a limit that is not set. */
export function checkNames(what: string, value: object, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw invalidArgument(`${what}: expected an object`)
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw invalidArgument(`${what}: unknown name "${unknown}" (known: ${names.join(', ')})`)
}

/**
 * The options of a call, each read once: what was checked is what is used, whatever stands behind a name. What a getter throws is
 * the caller's mistake.
 */
export function readOptions<T extends object>(value: T, names: readonly (keyof T & string)[]): Partial<T> {
  return reading('options', () => {
    checkNames('options', value, names)
    const options: Partial<T> = {}
    for (const name of names) {
      const one = value[name]
      if (one !== undefined) options[name] = one
    }
    return options
  })
}

/** `true` or `false`, or nothing. */
export function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalidArgument(`${name}: expected true or false`)
}

/** A list of strings that starts with the program. */
export function checkArgv(argv: unknown): asserts argv is readonly string[] {
  if (!Array.isArray(argv) || argv.length === 0 || argv.some((word) => typeof word !== 'string')) {
    throw invalidArgument('argv: expected a list of strings that starts with the program')
  }
}

/** Variables as `NAME=value`; undefined ones are left out. */
export function environment(env: Readonly<Record<string, string | undefined>> = {}): string[] {
  if (typeof env !== 'object' || env === null) throw invalidArgument('env: expected an object')
  return Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (name === '' || name.includes('=')) throw invalidArgument(`env: "${name}" can't be the name of a variable`)
    if (typeof value !== 'string') throw invalidArgument(`env.${name}: expected a string`)
    return [`${name}=${value}`]
  })
}

export function checkNumber(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (typeof value === 'number' && value >= least && value <= most)) return
  throw invalidArgument(`${name}: expected a number from ${least} to ${most}, found ${describe(value)}`)
}

export function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw invalidArgument(`${name}: expected one of ${allowed.join(', ')}, found ${describe(value)}`)
}

export function checkString(name: string, value: string | undefined): void {
  if (value !== undefined && typeof value !== 'string') throw invalidArgument(`${name}: expected a string`)
}
