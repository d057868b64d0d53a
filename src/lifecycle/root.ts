/** The directory that holds the records of all containers. */
import { GantryError } from '../errors.js'
import type { Host } from '../host/host.js'
import { absolutePath } from './paths.js'

export interface Root {
  readonly path: string
  /** Nobody asked for this one: it need not exist yet. */
  readonly isDefault: boolean
}

/**
 * `--root`, or `/run/gantry`, or `gantry` in $XDG_RUNTIME_DIR by runc's rule: for a user other than root, and for the root of a
 * user namespace that was not entered as root ($USER tells). The real root's XDG_RUNTIME_DIR goes away at logout.
 */
export async function containersRoot(host: Host, given?: string): Promise<Root> {
  const { cwd, env } = host.caller
  if (given !== undefined) {
    const path = absolutePath(cwd, given)
    if (path === '/') throw new GantryError('ERR_INVALID_ARGUMENT', 'the root directory of the records must not be /')
    return { path, isDefault: false }
  }
  const runtimeDirectory = env.XDG_RUNTIME_DIR
  if (runtimeDirectory !== undefined && runtimeDirectory !== '') {
    const { euid, inUserNamespace } = await host.facts(false)
    if (euid !== 0 || (inUserNamespace && env.USER !== 'root')) {
      return { path: absolutePath(cwd, `${runtimeDirectory}/gantry`), isDefault: true }
    }
  }
  return { path: '/run/gantry', isDefault: true }
}
