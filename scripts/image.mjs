/**
 * Gives the static binary its image: the memory of a process that has loaded the TypeScript and waits for a command line, put in
 * the program's file, so that every later process starts there. See crates/sys/src/arena.rs.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What crates/sys/src/arena.rs has at the start of the room. */
const mark = "gantry's arena:\n"

/** The contents of the file of `program`, which has no image yet, with one. It is run for that. */
export function withImage(program) {
  const image = execFileSync(program, ['write-image'], { argv0: 'gantry', env: {}, maxBuffer: 64 << 20 })
  const length = Number(image.readBigUInt64LE(mark.length))
  if (image.length !== length) throw new Error(`${program}: wrote ${image.length} bytes of an image of ${length}`)
  const file = readFileSync(program)
  const at = file.indexOf(mark)
  if (at < 0 || file.indexOf(mark, at + 1) >= 0) throw new Error(`${program}: not exactly one room for the image`)
  image.copy(file, at)
  return file
}
