/**
 * JSON text to values, with what JSON.parse alone lacks: whole numbers of 64 bits stay exact (as bigint), strings that
 * can't be C strings or UTF-8 are refused, and a syntax error says line and column, the same ones on every engine.
 */
import { SpecError } from './error.js'

/** Objects and lists may be nested this deep. */
const MAX_DEPTH = 64

/**
 * Parses the text of the file `path`. Whole numbers that a double can't hold are rounded, and then no safe integers.
 *
 * Of a name that stands twice in an object, the last counts. Throws a {@link SpecError}.
 */
export function parseJson(path: string, text: string): unknown {
  const source = withoutMark(text)
  const value = parse(path, source)
  // Most documents have too few brackets to be too deep.
  if (count(source, '{') + count(source, '[') > MAX_DEPTH) checkDepth(path, value, MAX_DEPTH)
  // Without an escape no string can hold what is refused: JSON has no raw control characters, UTF-8 no lone surrogates.
  if (source.includes('\\u')) checkStrings(path, value)
  return value
}

/** Without the byte order mark that some editors write. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

function count(text: string, character: string): number {
  return text.split(character).length - 1
}

function parse(path: string, source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    const problem = locateError(source)
    if (problem === undefined) throw tooDeep(path)
    const before = source.slice(0, problem.offset)
    const line = before.split('\n').length
    const column = [...before.slice(before.lastIndexOf('\n') + 1)].length + 1
    throw new SpecError(source.trim() === '' ? path : `${path}:${line}:${column}`, [problem.text])
  }
}

/**
 * Starts a string that stands for a long integer: no other string can hold a NUL here, for {@link checkStrings} refused
 * it.
 */
const LONG_INTEGER = '\0'

/** Strings (to pass over them) and numbers. */
const STRINGS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

/** The same with whole numbers as they are written: those that a double can't hold as bigint. */
export function parseJsonExactly(path: string, text: string): unknown {
  const rounded = parseJson(path, text)
  // No double rounds an integer of 15 digits or fewer.
  if (!/\d{16}/.test(text)) return rounded
  const marked = withoutMark(text).replace(STRINGS_AND_NUMBERS, (token) =>
    /^-?\d{16,}$/.test(token) ? `"\\u0000${token}"` : token,
  )
  return restoreIntegers(parse(path, marked))
}

/** The text of a document, long integers among its numbers: what {@link parseJsonExactly} makes the same document of again. */
export function writeJson(document: unknown): string {
  try {
    return JSON.stringify(document)
  } catch {
    // Only because of long integers: no other document of ours can't be written.
    const mark = (_: string, value: unknown) => (typeof value === 'bigint' ? `${LONG_INTEGER}${value}` : value)
    return JSON.stringify(document, mark).replace(/"\\u0000(-?\d+)"/g, '$1')
  }
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

/** The text of a value that {@link parseJson} gave, with its integers exact. */
export function formatJson(value: unknown): string {
  const marked = JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? `${LONG_INTEGER}${item}` : item))
  return marked.replace(/"\\u0000(-?\d+)"/g, '$1')
}

/** Refuses what has lists and objects on more than `levels` levels. */
function checkDepth(path: string, value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) throw tooDeep(path)
  for (const item of Array.isArray(value) ? value : Object.values(value)) checkDepth(path, item, levels - 1)
}

function tooDeep(path: string): SpecError {
  return new SpecError(path, [`nested deeper than ${MAX_DEPTH} levels`])
}

/** Refuses, in names and values, the NUL character and halves of surrogate pairs. */
function checkStrings(path: string, value: unknown): void {
  if (typeof value === 'string') {
    checkString(path, value)
  } else if (Array.isArray(value)) {
    for (const item of value) checkStrings(path, item)
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      checkString(path, name)
      checkStrings(path, item)
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
  readonly text: string
}

const SPACE = /[ \t\n\r]*/y
/** Control characters don't stand raw in a string. */
const STRING = /"[ !#-[\]-\u{10FFFF}]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[ !#-[\]-\u{10FFFF}]*)*"/uy
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/**
 * Where and how `source`, which JSON.parse has refused, leaves the grammar of RFC 8259. Undefined where it gets too
 * deep before that: an engine that parses by recursion refuses this too.
 */
function locateError(source: string): SyntaxProblem | undefined {
  if (source.trim() === '') return { offset: 0, text: 'expected a JSON document, found an empty file' }
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
    if (start === source.length) return { offset, text: `expected ${expected}, found the end of the file` }
    if (source[start] === '"' && !eat(STRING)) {
      return { offset, text: 'a string that does not end, or has a wrong escape or character' }
    }
    const character = String.fromCodePoint(source.codePointAt(start) ?? 0)
    // A control character is shown by its escape: messages are one line.
    const found = character === '"' ? 'a string' : character < ' ' ? JSON.stringify(character) : `'${character}'`
    return { offset: start, text: `expected ${expected}, found ${found}` }
  }
  /** After `{` or `,` in an object: a name and a colon. */
  const name = (): string | undefined => {
    eat(SPACE)
    if (!eat(STRING)) return 'a name in double quotes'
    return skip(':') ? undefined : "':'"
  }

  for (;;) {
    if (open.length > MAX_DEPTH) return undefined
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
