/**
 * Turns what callers write into what clipanion takes, by what a command's options say of themselves:
 *
 * - `--flag=true`, `--flag=false`: clipanion knows no values for flags
 * - `-no-subreaper`: Go's flag package takes one dash for two, and containerd relies on it
 * - `--preserve-fds -1`: the word after an option that takes a value is its value, whatever it looks like
 * - `exec ID ls -l`: for some commands the options end at the first word that is none
 *
 * Out come the options as `--name=value`, then `--`, then the other words. Mistakes are found here too, because runc's callers
 * look for its words.
 */
import { readBoolean } from './globals.js'
import type { OptionShape, Shape } from './shape.js'
import { missingValue, unknownOption, usageError } from './usage.js'

export interface Normalised {
  readonly words: readonly string[]
  /** Whether `--help` or `-h` was among the options. */
  readonly help: boolean
}

export function normalise(
  command: string,
  shape: Shape,
  words: readonly string[],
  stopsAtPositional: boolean,
): Normalised {
  const given: { option: OptionShape; word: string }[] = []
  const positionals: string[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') {
      positionals.push(...words.slice(at + 1))
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      positionals.push(word)
      if (!stopsAtPositional) continue
      positionals.push(...words.slice(at + 1))
      break
    }
    const equals = word.indexOf('=')
    const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '')
    let value = equals < 0 ? undefined : word.slice(equals + 1)
    if (name === 'help' || name === 'h') return { words: [], help: true }
    const bundle = equals < 0 && !word.startsWith('--') ? bundledFlags(shape, name) : undefined
    for (const option of bundle ?? [optionNamed(shape, name)]) {
      const longest = longName({ names: option.names.filter(isForClipanion) })
      if (option.takesValue) {
        if (value === undefined) {
          at += 1
          value = words[at]
        }
        if (value === undefined) throw missingValue(name)
        given.push({ option, word: `${longest}=${value}` })
      } else if (readBoolean(name, value)) {
        given.push({ option, word: longest })
      } else {
        // The last of several counts: `--detach --detach=false` is not detached.
        given.splice(0, given.length, ...given.filter((earlier) => earlier.option !== option))
      }
    }
  }
  checkCount(command, shape, positionals.length)
  const options = given.map(({ word }) => word)
  return { words: positionals.length === 0 ? options : [...options, '--', ...positionals], help: false }
}

/** The one of an option's names that says most: `--bundle` of `-b,--bundle`. */
export function longName({ names }: Pick<OptionShape, 'names'>): string {
  return names.reduce((longest, name) => (name.length > longest.length ? name : longest))
}

/** clipanion takes no name with a digit in it. */
export function isForClipanion(name: string): boolean {
  return !/\d/.test(name)
}

/** The option `--name` or `-n`. */
function optionNamed(shape: Shape, name: string): OptionShape {
  const option = shape.options.get(`--${name}`) ?? shape.options.get(`-${name}`)
  if (option !== undefined) return option
  const known = shape.recorder.options.filter(({ hidden }) => !hidden).map((one) => longName(one).replace(/^-+/, ''))
  throw unknownOption(name, [...known, 'help'])
}

/** `-dq` as the flags `-d` and `-q`; nothing where it is no such bundle. */
function bundledFlags(shape: Shape, letters: string): OptionShape[] | undefined {
  if (letters.length < 2 || shape.options.has(`--${letters}`)) return undefined
  const flags = [...letters].map((letter) => shape.options.get(`-${letter}`))
  const all = flags.filter((flag) => flag !== undefined && !flag.takesValue)
  return all.length === flags.length ? all.filter((flag) => flag !== undefined) : undefined
}

/** runc's sentences for too few and too many words. */
function checkCount(command: string, { least, most, recorder }: Shape, count: number): void {
  if (count >= least && count <= most) return
  const bound = least === most ? `exactly ${least}` : count < least ? `a minimum of ${least}` : `a maximum of ${most}`
  const missing = count === 0 && recorder.positionals[0]?.name === 'id' ? 'empty id: ' : ''
  throw usageError(`${missing}"${command}" requires ${bound} argument(s)`, `see gantry ${command} --help`)
}
