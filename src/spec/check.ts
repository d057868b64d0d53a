/**
 * Combinators for schemas, on typanion's makeValidator.
 *
 * typanion's own build a path for every value. These test a value without one first, which is all that a valid document
 * needs, and only a wrong document is walked a second time, with the path, to say what is wrong: see {@link
 * problemsOf}. As in Go's encoding/json, null is the same as absent; unknown names are passed over.
 */
import { makeValidator, type StrictValidator, type ValidationState } from 'typanion'
import { firstOf, SpecError } from './error.js'
import { isObject, parseJson, parseJsonExactly } from './json.js'

export type Check<T> = StrictValidator<unknown, T>

/** What is wrong with a value, each problem with the path of its field; empty for a valid one. */
export function problemsOf(check: Check<unknown>, value: unknown): string[] {
  const errors: string[] = []
  check(value, { p: '', errors })
  return errors
}

/** The document in the text of the file `path`. Throws a {@link SpecError} where the check fails. */
export function parseChecked<T>(check: Check<T>, path: string, text: string): T {
  const document = parseJson(path, text)
  // No check takes a number that was rounded: a document with such a one is read again.
  return check(document) ? document : checked(check, path, parseJsonExactly(path, text))
}

/** The same for a document that is no text. */
export function checked<T>(check: Check<T>, path: string, document: unknown): T {
  if (check(document)) return document
  throw new SpecError(path, firstOf(problemsOf(check, document)))
}

type RequiredNames<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T]
type OptionalNames<T> = Exclude<keyof T, RequiredNames<T>>
type Required<T> = { readonly [K in RequiredNames<T>]: Check<T[K]> }
type Optional<T> = { readonly [K in OptionalNames<T>]: Check<Exclude<T[K], undefined>> }

/** An object with these names. A null is removed, so that those who read the value meet absent fields only. */
export function obj<T>(required: Required<T>, optional: Optional<T>): Check<T> {
  const needed: ReadonlyMap<string, Check<unknown>> = new Map(Object.entries(required))
  const allowed: ReadonlyMap<string, Check<unknown>> = new Map(Object.entries(optional))
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is T => {
      if (!isObject(value)) return fail(state, 'an object', value)
      return state === undefined ? isValid(value, needed, allowed) : explain(value, needed, allowed, state)
    },
  })
}

type Checks = ReadonlyMap<string, Check<unknown>>

/** By the names that the object has: a schema knows many more. */
function isValid(value: Record<string, unknown>, needed: Checks, allowed: Checks): boolean {
  let missing = needed.size
  for (const name in value) {
    const item = value[name]
    const check = allowed.get(name)
    if (check === undefined) {
      const neededCheck = needed.get(name)
      if (neededCheck === undefined) continue
      if (!neededCheck(item)) return false
      missing -= 1
    } else if (item === null) delete value[name]
    else if (item !== undefined && !check(item)) return false
  }
  return missing === 0
}

/** The same in the order of the schema, so that each problem has its place in the message. */
function explain(value: Record<string, unknown>, needed: Checks, allowed: Checks, state: ValidationState): boolean {
  const itemOf = (name: string): unknown => (Object.hasOwn(value, name) ? value[name] : undefined)
  let valid = true
  for (const [name, check] of needed) valid = check(itemOf(name), below(state, name)) && valid
  for (const [name, check] of allowed) {
    const item = itemOf(name)
    if (item === null) delete value[name]
    else if (item !== undefined) valid = check(item, below(state, name)) && valid
  }
  return valid
}

/** A list. */
export function arr<T>(
  check: Check<T>,
  limits?: { readonly least?: string; readonly most?: number },
): Check<readonly T[]> {
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is readonly T[] => {
      if (!Array.isArray(value)) return fail(state, 'a list', value)
      if (limits?.least !== undefined && value.length === 0) return fail(state, limits.least, value)
      if (limits?.most !== undefined && value.length > limits.most) {
        return fail(state, `at most ${limits.most} entries`, value.length)
      }
      if (state === undefined) {
        for (const item of value) if (!check(item)) return false
        return true
      }
      // No short cut: each wrong entry is to be named.
      return value.filter((item, index) => !check(item, { ...state, p: `${state.p}[${index}]` })).length === 0
    },
  })
}

/** An object with any names and values of one type. */
export function rec<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is Readonly<Record<string, T>> => {
      if (!isObject(value)) return fail(state, 'an object', value)
      const test = (name: string): boolean =>
        (name !== '' || fail(state, 'a name', name)) && check(value[name], below(state, name))
      const names = Object.keys(value)
      return state === undefined ? names.every(test) : names.filter((name) => !test(name)).length === 0
    },
  })
}

/** A check that is made when the document has something for it: most documents have few of the sections. */
export function lazy<T>(make: () => Check<T>): Check<T> {
  let made: Check<T> | undefined
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is T => {
      made ??= make()
      return made(value, state)
    },
  })
}

function scalar<T>(expected: string, test: (value: unknown) => value is T): Check<T> {
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is T => test(value) || fail(state, expected, value),
  })
}

export const text: Check<string> = scalar('a string', (value) => typeof value === 'string')

export const flag: Check<boolean> = scalar('true or false', (value) => typeof value === 'boolean')

/** A string that `pattern` matches. */
export function like(expected: string, pattern: RegExp): Check<string> {
  return makeValidator({
    test: (value: unknown, state?: ValidationState): value is string =>
      typeof value === 'string'
        ? pattern.test(value) || fail(state, expected, value)
        : fail(state, value === undefined ? expected : 'a string', value),
  })
}

/** The variables of an environment. */
export const variables = arr(like('NAME=value', /^[^=]+=/))

export const absolutePath = like('an absolute path', /^\//)

/** One of some strings. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  const known: ReadonlySet<unknown> = new Set(choices)
  return scalar(`one of ${choices.join(', ')}`, (value): value is T => known.has(value))
}

/** A whole number from `least` to `most`, both within the exact range of a double. */
export function int(least: number, most: number): Check<number> {
  return scalar(
    `a whole number from ${least} to ${most}`,
    (value): value is number => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
  )
}

/** A whole number of up to 64 bits. */
export function wide(least: bigint, most: bigint): Check<number | bigint> {
  return scalar(`a whole number from ${least} to ${most}`, (value): value is number | bigint => {
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
      return value >= least && value <= most
    }
    return false
  })
}

export const UINT32_MAX = 4294967295
export const INT64_MAX = 9223372036854775807n
export const UINT64_MAX = 18446744073709551615n

/** A user or group id. The last number is not one: to setresuid(2) it says "leave as it is". */
export const id = int(0, UINT32_MAX - 1)

function below(state: ValidationState | undefined, name: string): ValidationState | undefined {
  if (state === undefined) return undefined
  const key = /^[A-Za-z_]\w*$/.test(name) ? name : `[${JSON.stringify(name)}]`
  return { ...state, p: state.p === '' || key.startsWith('[') ? `${state.p}${key}` : `${state.p}.${key}` }
}

function fail(state: ValidationState | undefined, expected: string, found: unknown): false {
  state?.errors?.push(`${state.p === '' ? '' : `${state.p}: `}expected ${expected}, found ${describe(found)}`)
  return false
}

/** A found value, for an error message. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === '') return 'an empty string'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
