/**
 * What runtime-spec 1.3 has and we don't apply yet. A config that asks for it is refused: to run a container without a
 * control that somebody asked for is worse than not to run it.
 *
 * A property that says nothing (empty, false, 0, or only such inside) asks for nothing: callers write whole sections of
 * these.
 */
import { UnsupportedError } from './error.js'
import { isObject } from './json.js'

const LINUX = ['intelRdt']

/** Throws an {@link UnsupportedError} for the first such property of a document. */
export function refuseUnsupported(spec: unknown): void {
  const linux = at(spec, 'linux')
  refuse('linux', linux, LINUX)
}

function refuse(path: string, value: unknown, names: readonly string[]): void {
  if (!isObject(value)) return
  for (const name of names) {
    if (!Object.hasOwn(value, name)) continue
    if (saysNothing(value[name])) continue
    throw new UnsupportedError(`${path}.${name}`)
  }
}

function at(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function saysNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.values(value).every(saysNothing)
  return value === undefined || value === null || value === '' || value === false || value === 0
}
