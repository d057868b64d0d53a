/**
 * The short way from plain words to a command: values go straight to clipanion's option objects. clipanion's state machine
 * costs several times what the rest of a command does, so it is only used for words that are not plain: bundled short
 * options, `--flag=false`, help, mistakes. A test compares both ways on random command lines.
 */
import type { CommandType, GantryCommand } from './command.js'
import { type ParsedWords, type Shape, shapeOf } from './shape.js'

/** The command with its fields filled from plain words; null where they are not plain. */
export function readPlain(type: CommandType, words: readonly string[]): GantryCommand | null {
  const command = new type()
  const shape = shapeOf(command)
  const parsed = parsePlain(shape, words, type.stopsAtPositional)
  if (parsed === null) return null
  fill(command, shape, parsed)
  return command
}

function parsePlain(shape: Shape, words: readonly string[], stopsAtPositional: boolean): ParsedWords | null {
  const options: { name: string; value: string | boolean }[] = []
  const positionals: string[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') {
      positionals.push(...words.slice(at + 1))
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      if (stopsAtPositional) {
        positionals.push(...words.slice(at))
        break
      }
      positionals.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    const option = shape.options.get(name)
    if (option === undefined) return null
    if (!option.takesValue) {
      if (equals >= 0) return null
      options.push({ name, value: true })
    } else if (equals >= 0) {
      options.push({ name, value: word.slice(equals + 1) })
    } else {
      at += 1
      const value = words[at]
      if (value === undefined || (value.startsWith('-') && value !== '-')) return null
      options.push({ name, value })
    }
  }
  if (positionals.length < shape.least || positionals.length > shape.most) return null
  return {
    options,
    positionals: positionals.map((value, index) => ({ value, extra: !shape.recorder.rest && index >= shape.least })),
  }
}

function fill(command: GantryCommand, shape: Shape, parsed: ParsedWords): void {
  for (const field of shape.fields) {
    Object.assign(command, { [field.key]: field.transformer(shape.recorder, field.key, parsed, {}) })
  }
}
