/** The fast way reads a command line exactly as clipanion does, and hands over what it does not read. */
import test from 'ava'
import { isForClipanion, normalise } from '../../src/cli/argv.js'
import type { CommandType, GantryCommand } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands/index.js'
import { readPlain } from '../../src/cli/fast.js'
import { shapeOf } from '../../src/cli/shape.js'
import { readWords } from '../../src/main.js'

/** A small generator with a seed (mulberry32): a failure can be had again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function randomWords(type: CommandType, next: () => number): string[] {
  const pick = <T>(from: readonly T[]): T => {
    const one = from[Math.floor(next() * from.length)]
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }
  const names = [...shapeOf(new type()).options.keys(), '--bogus', '-x', '--help', '-h']
  const values = ['web', 'a b', '', '-', '--', '-1', '-d', '--keep', 'x=y', '=', '/b', 'true', 'é', '-ab', '0']
  return Array.from({ length: Math.floor(next() * 6) }, () => {
    const kind = next()
    if (kind < 0.35) return pick(names)
    if (kind < 0.55) return `${pick(names)}=${pick(values)}`
    return pick(values)
  })
}

/** The fields that come from the command line. */
function fieldsOf(command: GantryCommand): Record<string, unknown> {
  const keys = shapeOf(new (Object.getPrototypeOf(command).constructor)()).fields.map(({ key }) => key)
  return Object.fromEntries(Object.entries(command).filter(([key]) => keys.includes(key)))
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

test('plain words give the same command both ways', (t) => {
  const next = random(20_260_101)
  let plain = 0
  for (const [name, type] of Object.entries(commands)) {
    for (let round = 0; round < 2000; round += 1) {
      const words = randomWords(type, next)
      const fast = readPlain(type, words)
      if (fast === null) continue
      plain += 1
      const shape = shapeOf(new type())
      const { words: normalised, help } = normalise(name, shape, words, type.stopsAtPositional)
      t.false(help, JSON.stringify([name, ...words]))
      t.deepEqual(fieldsOf(readWords(type, [name, ...normalised])), fieldsOf(fast), JSON.stringify([name, ...words]))
      if (!type.stopsAtPositional && words.every((word) => isForClipanion(word.replace(/^[^-].*|=.*/, '')))) {
        t.deepEqual(fieldsOf(readWords(type, [name, ...words])), fieldsOf(fast), JSON.stringify([name, ...words]))
      }
    }
  }
  t.true(plain > 1000, `${plain} plain command lines are too few to say anything`)
})

test('what clipanion takes and is not plain is left to it', (t) => {
  const next = random(7)
  for (const [name, type] of Object.entries(commands)) {
    for (let round = 0; round < 500; round += 1) {
      const words = randomWords(type, next)
      const full = attempt(() => normalise(name, shapeOf(new type()), words, type.stopsAtPositional))
      if (full === undefined || full.help) t.is(readPlain(type, words), null, JSON.stringify([name, ...words]))
    }
  }
})
