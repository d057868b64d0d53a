/** Waiting for a condition: what tests do instead of sleeping. */
import { setTimeout as delay } from 'node:timers/promises'

/** How many times slower than usual the machine is: an emulated one says so. What is waited for may take so much longer. */
export const slowness = Number(process.env.TEST_SLOWNESS ?? 1)

/** Polls until `condition` gives something other than undefined or false, and returns it; throws after `milliseconds`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  milliseconds = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + milliseconds * slowness
  for (;;) {
    const value = await condition()
    if (isThere(value)) return value
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain until ${what}`)
    await delay(5)
  }
}

function isThere<T>(value: T): value is Exclude<T, undefined | false> {
  return value !== undefined && value !== false
}
