/**
 * Annotations `org.systemd.property.NAME` as properties of the container's unit: values in the text format of GVariant
 * (GLib, "GVariant Text Format"), as `uint64 5`, `'text'`, `['a.service']`, `@as []`.
 */
import type { BusValue, UnitProperty } from '../host/plan.js'
import { PlanError } from './error.js'

const PREFIX = 'org.systemd.property.'

export function annotatedProperties(annotations: Readonly<Record<string, string>> = {}): UnitProperty[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(PREFIX)) return []
    const name = key.slice(PREFIX.length)
    const reader = new Reader(text, key)
    if (!/^[A-Za-z]{3,}$/.test(name)) throw reader.error('is not the name of a property')
    return [inMicroseconds(name, reader.whole())]
  })
}

/** Times that are called …Sec in unit files are …USec on the bus, in microseconds. */
function inMicroseconds(name: string, value: BusValue): UnitProperty {
  const number = secondsOf(value)
  if (!name.endsWith('Sec') || name.endsWith('USec') || number === undefined) return { name, value }
  return { name: `${name.slice(0, -'Sec'.length)}USec`, value: { uint64: String(BigInt(Math.round(number * 1e6))) } }
}

function secondsOf(value: BusValue): number | undefined {
  if ('double' in value) return value.double
  if ('int32' in value) return value.int32
  if ('uint32' in value) return value.uint32
  if ('uint64' in value) return Number(value.uint64)
  if ('int64' in value) return Number(value.int64)
  return undefined
}

/** Names that may stand before a value, with the letter that they have in a signature. */
const TYPES: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}

/** What a value is and how the signature calls it. */
interface Typed {
  readonly value: BusValue
  readonly signature: string
}

class Reader {
  private at = 0

  constructor(
    private readonly text: string,
    private readonly annotation: string,
  ) {}

  whole(): BusValue {
    const { value } = this.value()
    this.space()
    if (this.at < this.text.length) throw this.error(`has more after its value: ${this.text.slice(this.at)}`)
    return value
  }

  error(message: string): PlanError {
    return new PlanError('request', `annotations[${JSON.stringify(this.annotation)}]`, message)
  }

  private value(expected?: string): Typed {
    this.space()
    const annotated = this.match(/@([a-z(){}]+)/y)?.[1]
    if (annotated !== undefined) return this.value(annotated)
    const named = this.match(/[a-z]+[0-9]*(?=[\s'"-]|\d)/y)?.[0]
    if (named !== undefined) {
      const type = TYPES[named]
      if (type === undefined) throw this.error(`has the unknown type ${named}`)
      return this.value(type)
    }
    if (this.match(/\[/y)) return this.array(expected)
    if (this.match(/\(/y)) return this.tuple(expected)
    const word = this.match(/true|false/y)?.[0]
    if (word !== undefined) return { value: { boolean: word === 'true' }, signature: 'b' }
    if (/['"]/.test(this.text.charAt(this.at))) return this.string(expected ?? 's')
    return this.number(expected)
  }

  private array(expected: string | undefined): Typed {
    if (expected !== undefined && !expected.startsWith('a')) throw this.error(`has an array for ${expected}`)
    let element = expected?.slice(1)
    const items: BusValue[] = []
    this.list(']', () => {
      const { value, signature } = this.value(element)
      if (element !== undefined && signature !== element) throw this.error('has an array of several types')
      element = signature
      items.push(value)
    })
    if (element === undefined) throw this.error('has an empty array without a type: @as []')
    return { value: { array: { element, items } }, signature: `a${element}` }
  }

  private tuple(expected: string | undefined): Typed {
    const kinds = expected === undefined ? [] : [...expected.slice(1, -1)]
    if (expected !== undefined && !/^\([a-z]*\)$/.test(expected)) throw this.error(`has a tuple for ${expected}`)
    const fields: Typed[] = []
    this.list(')', () => fields.push(this.value(kinds[fields.length])))
    const signature = `(${fields.map((field) => field.signature).join('')})`
    return { value: { struct: fields.map(({ value }) => value) }, signature }
  }

  private list(end: string, one: () => void): void {
    for (;;) {
      this.space()
      if (this.text.charAt(this.at) === end) {
        this.at += 1
        return
      }
      one()
      this.space()
      if (!this.match(/,/y) && this.text.charAt(this.at) !== end) throw this.error(`has no ${end} where one should be`)
    }
  }

  private string(type: string): Typed {
    const quote = this.text.charAt(this.at)
    let value = ''
    for (this.at += 1; this.text.charAt(this.at) !== quote; this.at += 1) {
      if (this.at >= this.text.length) throw this.error('has a text without an end')
      if (this.text.charAt(this.at) === '\\') this.at += 1
      value += this.text.charAt(this.at)
    }
    this.at += 1
    if (type === 's') return { value: { string: value }, signature: type }
    if (type === 'o') return { value: { objectPath: value }, signature: type }
    if (type === 'g') return { value: { signature: value }, signature: type }
    throw this.error(`has a text for ${type}`)
  }

  private number(expected: string | undefined): Typed {
    const text = this.match(/[-+]?(0x[0-9a-fA-F]+|\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+)/y)?.[0]
    if (text === undefined) throw this.error(`has a value that can't be read: ${this.text}`)
    const type = expected ?? (/[.eE]/.test(text) && !text.includes('0x') ? 'd' : 'i')
    if (type === 'd') return { value: { double: Number(text) }, signature: type }
    const range = RANGES[type]
    if (range === undefined || !/^[-+]?(0x[0-9a-fA-F]+|\d+)$/.test(text)) throw this.error(`has a number for ${type}`)
    const amount = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''))
    const [least, most, make] = range
    if (amount < least || amount > most) throw this.error(`has a number that is too large: ${text}`)
    return { value: make(amount), signature: type }
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found) this.at += found[0].length
    return found
  }

  private space(): void {
    this.match(/\s*/y)
  }
}

const RANGES: Readonly<Record<string, readonly [bigint, bigint, (value: bigint) => BusValue]>> = {
  y: [0n, 255n, (value) => ({ byte: Number(value) })],
  n: [-32768n, 32767n, (value) => ({ int16: Number(value) })],
  q: [0n, 65535n, (value) => ({ uint16: Number(value) })],
  i: [-(2n ** 31n), 2n ** 31n - 1n, (value) => ({ int32: Number(value) })],
  u: [0n, 2n ** 32n - 1n, (value) => ({ uint32: Number(value) })],
  x: [-(2n ** 63n), 2n ** 63n - 1n, (value) => ({ int64: String(value) })],
  t: [0n, 2n ** 64n - 1n, (value) => ({ uint64: String(value) })],
}
