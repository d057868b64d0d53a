/** `--regex` of `kill` and `delete`: one action on every container whose id a pattern matches. */
import { GantryError } from '../errors.js'
import type { ContainerRef, Host } from '../host/host.js'

/**
 * Acts on all of them, in the order of their ids, whatever becomes of some; then throws the first error, if there was one.
 * The pattern is JavaScript's and matches anywhere in the id, as that of crun does. None that matches is no error.
 */
export async function eachMatching(
  host: Host,
  root: string,
  pattern: string,
  action: (container: ContainerRef) => Promise<void>,
): Promise<void> {
  const matcher = compile(pattern)
  const failures: unknown[] = []
  const { containers } = await host.list(root)
  for (const { id } of containers.filter(({ id }) => matcher.test(id))) {
    try {
      await action({ root, id })
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch (cause) {
    throw new GantryError('ERR_INVALID_ARGUMENT', `invalid regular expression "${pattern}"`, { cause })
  }
}
