/** The options of a mount (runtime-spec config.md, mount(8)) sorted into what the kernel's mount calls take. */
import type { MountAttribute, Parameter, Propagation, PropagationChange } from '../host/plan.js'

export interface MountOptions {
  /** Whether it is a view of a host path, and of the mounts below that. */
  readonly bind: 'no' | 'single' | 'recursive'
  readonly set: MountAttribute[]
  readonly clear: MountAttribute[]
  readonly setRecursively: MountAttribute[]
  readonly clearRecursively: MountAttribute[]
  readonly propagation: PropagationChange[]
  /** What belongs to the file system: all that is no option of every mount. */
  readonly parameters: Parameter[]
  readonly copyUp: boolean
}

/** Options that set an attribute, and those that clear it. With an `r` before it, each is for all mounts below too. */
const SET: ReadonlyMap<string, MountAttribute> = new Map([
  ['ro', 'ro'],
  ['nosuid', 'nosuid'],
  ['nodev', 'nodev'],
  ['noexec', 'noexec'],
  ['nodiratime', 'nodiratime'],
  ['nosymfollow', 'nosymfollow'],
  ['noatime', 'noatime'],
  ['relatime', 'relatime'],
  ['strictatime', 'strictatime'],
])

const CLEAR: ReadonlyMap<string, MountAttribute> = new Map([
  ['rw', 'ro'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['diratime', 'nodiratime'],
  ['symfollow', 'nosymfollow'],
  ['atime', 'noatime'],
  ['norelatime', 'relatime'],
  ['nostrictatime', 'strictatime'],
])

const PROPAGATIONS: readonly Propagation[] = ['shared', 'slave', 'private', 'unbindable']

/** Options of a whole file system, which fsconfig(2) takes by these names. */
const SUPERBLOCK = ['sync', 'dirsync', 'lazytime', 'mand', 'iversion']

/**
 * What a new file system has anyway, and what a bind can't change. `silent` and `loud` are about messages
 * in the kernel's log, which fsopen(2) gives to its caller instead.
 */
const WITHOUT_EFFECT = ['defaults', 'async', 'nolazytime', 'nomand', 'noiversion', 'silent', 'loud']

/** All options that have a meaning to us, sorted: what `features` lists. */
export const MOUNT_OPTIONS: readonly string[] = [
  ...[...SET.keys(), ...CLEAR.keys(), ...PROPAGATIONS].flatMap((name) => [name, `r${name}`]),
  ...SUPERBLOCK,
  ...WITHOUT_EFFECT,
  'bind',
  'rbind',
  'tmpcopyup',
].sort()

/** The access-time attributes exclude each other. */
const ACCESS_TIME: readonly MountAttribute[] = ['noatime', 'relatime', 'strictatime']

/** Sorts options. Of two that contradict each other, the later one counts. */
export function sortOptions(options: readonly string[] = []): MountOptions {
  let bind: MountOptions['bind'] = 'no'
  let copyUp = false
  const own = new Map<MountAttribute, 'set' | 'clear'>()
  const recursive = new Map<MountAttribute, 'set' | 'clear'>()
  const propagation: PropagationChange[] = []
  const parameters: Parameter[] = []

  for (const option of options) {
    if (change(own, option)) continue
    // `rw` and `relatime` were taken above: they are not the recursive forms of something.
    if (option.startsWith('r') && change(recursive, option.slice(1))) continue
    const to = PROPAGATIONS.find((name) => option === name || option === `r${name}`)
    if (to !== undefined) propagation.push({ to, recursive: option !== to })
    else if (option === 'bind') bind = bind === 'no' ? 'single' : bind
    else if (option === 'rbind') bind = 'recursive'
    else if (option === 'tmpcopyup') copyUp = true
    else if (option !== '' && !WITHOUT_EFFECT.includes(option)) parameters.push(toParameter(option))
  }
  const all = (map: typeof own, what: 'set' | 'clear'): MountAttribute[] =>
    [...map].flatMap(([attribute, done]) => (done === what ? [attribute] : []))
  return {
    bind,
    set: all(own, 'set'),
    clear: all(own, 'clear'),
    setRecursively: all(recursive, 'set'),
    clearRecursively: all(recursive, 'clear'),
    propagation,
    parameters,
    copyUp,
  }
}

/** Notes an attribute option; false for any other. */
function change(attributes: Map<MountAttribute, 'set' | 'clear'>, option: string): boolean {
  const set = SET.get(option)
  const attribute = set ?? CLEAR.get(option)
  if (attribute === undefined) return false
  if (ACCESS_TIME.includes(attribute)) for (const one of ACCESS_TIME) attributes.delete(one)
  attributes.set(attribute, set ? 'set' : 'clear')
  return true
}

function toParameter(option: string): Parameter {
  const equals = option.indexOf('=')
  return equals === -1 ? { name: option } : { name: option.slice(0, equals), value: option.slice(equals + 1) }
}
