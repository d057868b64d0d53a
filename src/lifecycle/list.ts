/** `list`: the containers of a root. */
import { errno, errorText } from '../errno.js'
import { GantryError, toGantryError } from '../errors.js'
import { type Host, HostFailure } from '../host/host.js'
import type { Root } from './root.js'
import { describe, type State } from './state.js'

export interface Listing {
  readonly containers: readonly State[]
  /** What is to be said of records that can't be read. */
  readonly problems: readonly string[]
}

/** A default root need not exist; one that was asked for must. */
export async function listContainers(host: Host, root: Root): Promise<Listing> {
  const { missing, containers: found } = await host.list(root.path)
  if (missing && !root.isDefault) {
    throw new GantryError('ERR_NOT_FOUND', `cannot open ${root.path}: ${errorText(errno.ENOENT)}`, { path: root.path })
  }
  const containers: State[] = []
  const problems: string[] = []
  const nameOf = found.length === 0 ? () => '' : await userNames(host)
  for (const one of found) {
    if ('failure' in one) {
      problems.push(`load container ${one.id}: ${toGantryError(new HostFailure(one.failure)).message}`)
    } else {
      containers.push(describe(one, nameOf(one.owner)))
    }
  }
  return { containers, problems }
}

/** uids to names by passwd(5); `#1000` for one without, as runc writes it. */
async function userNames(host: Host): Promise<(uid: number) => string> {
  let passwd = ''
  try {
    passwd = await host.readText('/etc/passwd')
  } catch (error) {
    // A machine without users by name, or one whose file we may not read, still has numbers.
    if (!(error instanceof HostFailure)) throw error
  }
  const lines = passwd.split('\n').map((line) => line.split(':'))
  return (uid) => lines.find((fields) => fields[2] === String(uid))?.[0] ?? `#${uid}`
}
