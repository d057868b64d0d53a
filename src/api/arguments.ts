/** Checks of what callers pass, who may write JavaScript. Each throws ERR_INVALID_ARGUMENT and names the option. */
import { GantryError } from '../errors.js'

export function invalidArgument(text: string): GantryError {
  return new GantryError('ERR_INVALID_ARGUMENT', text)
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
  try {
    checkNames('options', value, names)
    const options: Partial<T> = {}
    for (const name of names) if (value[name] !== undefined) options[name] = value[name]
    return options
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    throw new GantryError('ERR_INVALID_ARGUMENT', "options: one of them can't be read", { cause })
  }
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
  throw invalidArgument(`${name}: expected a number from ${least} to ${most}, found ${String(value)}`)
}

export function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw invalidArgument(`${name}: expected one of ${allowed.join(', ')}, found ${String(value)}`)
}

export function checkString(name: string, value: string | undefined): void {
  if (value !== undefined && typeof value !== 'string') throw invalidArgument(`${name}: expected a string`)
}
