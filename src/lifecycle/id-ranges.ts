/** Which ids an unprivileged caller can have in a user namespace of their own. */
import { type Facts, type Host, HostFailure } from '../host/host.js'
import type { IdMapping } from '../spec/spec.js'

export interface IdRanges {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
  /** The caller's own ids are not among them. */
  readonly apart?: boolean
}

/** As many ids as a container usually has, and where those that nobody else uses lie: systemd's UIDS-GIDS.md. */
const size = 65_536
const first = 524_288
const ranges = 28_664

let last: number | undefined

/**
 * Ids that belong to no user of this machine, and to no other sandbox of this process; another process starts elsewhere. For the real
 * root.
 */
export function ownIds(): IdRanges {
  last = ((last ?? Math.floor(Math.random() * ranges)) + 1) % ranges
  const mapping = { containerID: 0, hostID: first + last * size, size }
  return { uidMappings: [mapping], gidMappings: [mapping], apart: true }
}

/** The caller's own ids as root's, and no others: what anybody may map. */
export function singleIds({ euid, egid }: Facts): IdRanges {
  return { uidMappings: [own(euid)], gidMappings: [own(egid)] }
}

/** The same with the ranges of subuid(5) and subgid(5) from 1 on; nothing for a caller who has none of either. */
export async function subordinateIds(host: Host, { euid, egid }: Facts): Promise<IdRanges | undefined> {
  const subuid = await lines(host, '/etc/subuid')
  const subgid = await lines(host, '/etc/subgid')
  if (subuid.length === 0 || subgid.length === 0) return undefined
  // Both files name the user: subgid(5) too.
  const passwd = await lines(host, '/etc/passwd')
  const owners = [String(euid), passwd.find((fields) => fields[2] === String(euid))?.[0]]
  const uids = rangesOf(subuid, owners)
  const gids = rangesOf(subgid, owners)
  if (uids.length === 0 || gids.length === 0) return undefined
  return { uidMappings: [own(euid), ...uids], gidMappings: [own(egid), ...gids] }
}

function own(id: number): IdMapping {
  return { containerID: 0, hostID: id, size: 1 }
}

function rangesOf(entries: readonly string[][], owners: readonly (string | undefined)[]): IdMapping[] {
  let next = 1
  const ranges: IdMapping[] = []
  for (const [owner, start, count] of entries) {
    const hostID = Number(start)
    const size = Number(count)
    if (!owners.includes(owner) || !Number.isInteger(hostID) || !Number.isInteger(size) || size < 1) continue
    ranges.push({ containerID: next, hostID, size })
    next += size
  }
  return ranges
}

/** The fields of each line of a file of the passwd(5) family; none where the file can't be read. */
async function lines(host: Host, path: string): Promise<string[][]> {
  try {
    const text = await host.readText(path)
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'))
  } catch (error) {
    if (error instanceof HostFailure) return []
    throw error
  }
}
