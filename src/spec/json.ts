/**
 * JSON text to values, with what JSON.parse alone lacks: whole numbers of 64 bits stay exact (as bigint), strings that
 * can't be C strings or UTF-8 are refused, and a syntax error says line and column, the same ones on every engine.
 */
import { SpecError } from './error.js'

/** Objects and lists may be nested this deep. */
const MAX_DEPTH = 64

/**
 * Parses the text of the file `path`.
 *
 * Of a name that stands twice in an object, the last counts. Throws a {@link SpecError}.
 */
export function parseJson(path: string, text: string): unknown {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  const value = parse(path, source)
  // Without an escape no string can hold what is refused: JSON has no raw control characters, UTF-8 no lone surrogates.
  checkTree(path, value, source.includes('\\u'))
  // No double rounds an integer of 15 digits or fewer.
  return /\d{16}/.test(source) ? parseExactly(path, source) : value
}

function parse(path: string, source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    const { offset, expected } = locateError(source)
    const before = source.slice(0, offset)
    const lineStart = before.lastIndexOf('\n') + 1
    const line = before.split('\n').length
    const place = source.trim() === '' ? path : `${path}:${line}:${[...before.slice(lineStart)].length + 1}`
    throw new SpecError(place, [expected])
  }
}

/** Starts a string that stands for a long integer: no other string can hold a NUL here, for {@link checkTree} refused it. */
const LONG_INTEGER = '\0'

/** Strings (to pass over them) and numbers. */
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

function parseExactly(path: string, source: string): unknown {
  const marked = source.replace(STRINGS_AND_NUMBERS, (token) =>
    /^-?\d{16,}$/.test(token) ? `"\\u0000${token}"` : token,
  )
  return restoreIntegers(parse(path, marked))
}

function restoreIntegers(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith(LONG_INTEGER)) {
    const exact = BigInt(value.slice(1))
    const rounded = Number(exact)
    return Number.isSafeInteger(rounded) ? rounded : exact
  }
  if (Array.isArray(value)) return value.map(restoreIntegers)
  if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      // Not by assignment, which `__proto__` would turn into a change of the prototype.
      if (typeof item !== 'number') Object.defineProperty(value, key, { ...PLAIN, value: restoreIntegers(item) })
    }
  }
  return value
}

const PLAIN = { enumerable: true, writable: true, configurable: true } as const

/** Refuses deep nesting, and in keys and strings the NUL character and halves of surrogate pairs. */
function checkTree(path: string, value: unknown, strings: boolean, depth = 0): void {
  if (typeof value === 'string') {
    if (strings) checkString(path, value)
  } else if (typeof value === 'object' && value !== null) {
    if (depth === MAX_DEPTH) throw new SpecError(path, [`nested deeper than ${MAX_DEPTH} levels`])
    if (Array.isArray(value)) {
      for (const item of value) checkTree(path, item, strings, depth + 1)
    } else {
      for (const [key, item] of Object.entries(value)) {
        if (strings) checkString(path, key)
        checkTree(path, item, strings, depth + 1)
      }
    }
  }
}

/** A half of a surrogate pair without the other. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

function checkString(path: string, text: string): void {
  if (text.includes('\0')) throw new SpecError(path, [`a NUL character in the string ${JSON.stringify(text)}`])
  if (LONE_SURROGATE.test(text))
    throw new SpecError(path, [`half of a character in the string ${JSON.stringify(text)}`])
}

/** Whether a value is an object with names: neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface SyntaxProblem {
  readonly offset: number
  readonly expected: string
}

const SPACE = /[ \t\n\r]*/y
/** Control characters don't stand raw in a string. */
const STRING = /"[ !#-[\]-\u{10FFFF}]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[ !#-[\]-\u{10FFFF}]*)*"/uy
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Where and how `source`, which JSON.parse has refused, leaves the grammar of RFC 8259. */
function locateError(source: string): SyntaxProblem {
  if (source.trim() === '') return { offset: 0, expected: 'expected a JSON document, found an empty file' }
  /** The closing brackets that are awaited, the innermost last. */
  const open: string[] = []
  let offset = 0

  const eat = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset
    if (!pattern.test(source)) return false
    offset = pattern.lastIndex
    return true
  }
  const skip = (character: string): boolean => {
    eat(SPACE)
    if (source[offset] !== character) return false
    offset += 1
    return true
  }
  const problem = (expected: string): SyntaxProblem => {
    eat(SPACE)
    const start = offset
    if (start === source.length) return { offset, expected: `expected ${expected}, found the end of the file` }
    if (source[start] === '"' && !eat(STRING)) {
      return { offset, expected: 'a string that does not end, or has a wrong escape or character' }
    }
    const found = source[start] === '"' ? 'a string' : `'${String.fromCodePoint(source.codePointAt(start) ?? 0)}'`
    return { offset: start, expected: `expected ${expected}, found ${found}` }
  }
  /** After `{` or `,` in an object: a name and a colon. */
  const name = (): string | undefined => {
    eat(SPACE)
    if (!eat(STRING)) return 'a name in double quotes'
    return skip(':') ? undefined : "':'"
  }

  for (;;) {
    eat(SPACE)
    let complete = false
    if (skip('{')) {
      complete = skip('}')
      if (!complete) {
        open.push('}')
        const expected = name()
        if (expected !== undefined) return problem(expected === "':'" ? expected : `${expected} or '}'`)
      }
    } else if (skip('[')) {
      complete = skip(']')
      if (!complete) open.push(']')
    } else if (eat(STRING) || eat(SCALAR)) {
      complete = true
    } else {
      return problem('a value')
    }
    while (complete) {
      const close = open.at(-1)
      if (close === undefined) return problem('the end of the file')
      if (skip(',')) {
        if (close === '}') {
          const expected = name()
          if (expected !== undefined) return problem(expected)
        }
        complete = false
      } else if (skip(close)) {
        open.pop()
      } else {
        return problem(`',' or '${close}'`)
      }
    }
  }
}
