/** Reading the forms that cgroup files have: cgroup-v2.rst, "Conventions"; proc(5) for pressure. */
import type { CgroupTexts } from '../host/host.js'
import type { Integer } from '../spec/spec.js'

/** A number of up to 64 bits; 0 for what is none. */
export function integer(text: string | undefined): Integer {
  const digits = text?.trim() ?? ''
  if (!/^-?\d+$/.test(digits)) return 0
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : BigInt(digits)
}

/** The numbers of a file with a name and a value a line, by their names. */
export function flat(text = ''): ReadonlyMap<string, Integer> {
  const lines = text.split('\n').map((line) => line.split(' '))
  return new Map(lines.flatMap(([name, value]) => (name && value ? [[name, integer(value)] as const] : [])))
}

/** Of {@link flat}, one number; 0 without it. */
export function field(text: string | undefined, name: string): Integer {
  return flat(text).get(name) ?? 0
}

/** Lines such as `254:0 rbytes=1 wbytes=2`: the device, and its numbers by their names. */
export function nested(text = ''): readonly { readonly key: string; readonly values: ReadonlyMap<string, Integer> }[] {
  return text
    .split('\n')
    .filter((line) => line.includes('='))
    .map((line) => {
      const [key = '', ...pairs] = line.split(' ')
      return { key, values: new Map(pairs.map((pair) => [pair.split('=')[0] ?? '', integer(pair.split('=')[1])])) }
    })
}

export interface PressureLine {
  /** Percent of the last 10, 60, 300 seconds. */
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
  /** Microseconds. */
  readonly total: Integer
}

/** Time in which some, or all, processes waited for a resource: Documentation/accounting/psi.rst. */
export interface Pressure {
  readonly some: PressureLine
  readonly full: PressureLine
}

/** Undefined where the kernel does not tell: without CONFIG_PSI, or switched off. */
export function pressure(text: string | undefined): Pressure | undefined {
  if (!text) return undefined
  const line = (kind: string): PressureLine => {
    const values = text.split('\n').find((one) => one.startsWith(`${kind} `)) ?? ''
    const value = (name: string) => new RegExp(` ${name}=([\\d.]+)`).exec(values)?.[1]
    const average = (name: string) => Number(value(name) ?? 0)
    return {
      avg10: average('avg10'),
      avg60: average('avg60'),
      avg300: average('avg300'),
      total: integer(value('total')),
    }
  }
  return { some: line('some'), full: line('full') }
}

/** The numbers of a list such as `0-2,5`. */
export function numbersOf(list = ''): number[] {
  return list
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}

/** Whether the memory, cpu and io controllers of a container are those of v2. */
export function isV2({ v1 }: CgroupTexts): boolean {
  return !('memory.usage_in_bytes' in v1 || 'cpuacct.usage' in v1 || 'pids.current' in v1)
}

export function plus(a: Integer, b: Integer): Integer {
  return narrow(BigInt(a) + BigInt(b))
}

export function times(a: Integer, factor: number): Integer {
  return narrow(BigInt(a) * BigInt(factor))
}

function narrow(value: bigint): Integer {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
