/**
 * What words a command takes, read from an instance of its class: clipanion's option objects describe themselves to a
 * builder, and this one only writes down what they say. No state machine is built.
 */
import { Command } from 'clipanion'
import type { GantryCommand } from './command.js'

export interface OptionShape {
  /** `-b`, `--bundle`. */
  readonly names: readonly string[]
  readonly takesValue: boolean
  readonly hidden: boolean
  readonly description: string
}

export interface PositionalShape {
  readonly name: string
  readonly required: boolean
}

/** One of clipanion's option objects, as far as we use it. */
export interface OptionField {
  readonly key: string
  definition(recorder: Recorder, key: string): void
  transformer(recorder: Recorder, key: string, state: ParsedWords, context: object): unknown
}

/** clipanion's result of reading a command line, as far as the option objects look at it. */
export interface ParsedWords {
  readonly options: { readonly name: string; readonly value: string | boolean }[]
  /** `extra`: it belongs to an optional positional. */
  readonly positionals: { readonly value: string; readonly extra: boolean }[]
}

export class Recorder {
  readonly options: OptionShape[] = []
  readonly positionals: PositionalShape[] = []
  /** Whether any number of further words may follow. */
  rest = false
  /** Makes every positional that reaches Option.Rest count as one of its own. */
  readonly arity = { leading: { length: Number.POSITIVE_INFINITY } }

  addOption(option: { names: string[]; arity?: number; hidden?: boolean; description?: string }): void {
    const { names, arity = 0, hidden = false, description = '' } = option
    this.options.push({ names, takesValue: arity > 0, hidden, description })
  }

  addPositional({ name, required = true }: { name: string; required?: boolean }): void {
    this.positionals.push({ name, required })
  }

  addRest({ name, required = 0 }: { name: string; required?: number }): void {
    for (let count = 0; count < required; count += 1) this.addPositional({ name })
    this.rest = true
  }
}

export interface Shape {
  readonly fields: readonly OptionField[]
  readonly recorder: Recorder
  /** By each of its names. */
  readonly options: ReadonlyMap<string, OptionShape>
  /** How many positionals there may be. */
  readonly least: number
  readonly most: number
}

export function shapeOf(command: GantryCommand): Shape {
  const recorder = new Recorder()
  const fields: OptionField[] = []
  for (const [key, value] of Object.entries(command)) {
    if (!isOption(value)) continue
    value.definition(recorder, key)
    fields.push({ key, definition: value.definition, transformer: value.transformer })
  }
  const options = new Map<string, OptionShape>()
  for (const option of recorder.options) for (const name of option.names) options.set(name, option)
  const least = recorder.positionals.filter(({ required }) => required).length
  const most = recorder.rest ? Number.POSITIVE_INFINITY : recorder.positionals.length
  return { fields, recorder, options, least, most }
}

function isOption(value: unknown): value is Omit<OptionField, 'key'> {
  return typeof value === 'object' && value !== null && Command.isOption in value
}
