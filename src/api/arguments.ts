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
