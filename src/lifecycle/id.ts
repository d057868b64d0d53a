/** The names of containers. */
import { GantryError } from '../errors.js'
import type { ContainerRef } from '../host/host.js'

/** NAME_MAX: an id is the name of a directory. */
const longest = 255

/** Checks an id by runc's rule, before it becomes part of a path. */
export function containerRef(root: string, id: string): ContainerRef {
  if (id === '') throw new GantryError('ERR_INVALID_ARGUMENT', 'empty id')
  if (!/^[A-Za-z0-9_+.-]+$/.test(id) || id === '.' || id === '..' || id.length > longest) {
    throw new GantryError('ERR_INVALID_ARGUMENT', 'invalid container ID format')
  }
  return { root, id }
}
