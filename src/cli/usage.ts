/** What is said of a command line that can't be understood. */
import { GantryError } from '../errors.js'

export function usageError(text: string, hint?: string): GantryError {
  return new GantryError('ERR_INVALID_ARGUMENT', text, { hint })
}

/** The value of an option that counts something. */
export function count(option: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) throw usageError(`invalid number "${text}" for --${option}`)
  return Number(text)
}

/** runc's words, which podman looks for to tell an option that is known from one that is not. */
export function missingValue(name: string): GantryError {
  return usageError(`flag needs an argument: ${dashed(name)}`)
}

export function unknownOption(name: string, known: readonly string[]): GantryError {
  return usageError(`unknown flag: ${dashed(name)}${didYouMean(name, known, '--')}`)
}

/** An option's name with as many dashes as it is to be written with. */
export function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`
}

/** ` (did you mean --detach?)`, or nothing where no known word is near. */
export function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0]
  return near === undefined ? '' : ` (did you mean ${prefix}${near.candidate}?)`
}

/** How many letters have to be put in, taken out, replaced or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1)
      next.push(cost)
    }
    before = last
    last = next
  }
  return last[b.length] ?? 0
}
