/** The options of a mount (runtime-spec config.md, mount(8)) sorted into what the kernel's mount calls take. */
import type { Mount, MountAttribute, Parameter, Propagation, PropagationChange } from '../host/plan.js'

export interface MountOptions {
  /** Whether it is a view of a host path, and of the mounts below that. */
  readonly bind: 'no' | 'single' | 'recursive'
  /** What belongs to the file system: all that is no option of every mount. */
  readonly parameters: Parameter[]
  readonly settings: MountSettings
}

/** What any mount can be told, as the step has it. */
export type MountSettings = Pick<
  Mount,
  'set' | 'clear' | 'setRecursively' | 'clearRecursively' | 'propagation' | 'copyUp'
>

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
const SUPERBLOCK = ['sync', 'dirsync', 'lazytime', 'mand']

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

/** Sorts options. Of two that contradict each other, the later one counts. */
export function sortOptions(options: readonly string[] = []): MountOptions {
  const own: Attributes = { set: [], clear: [] }
  const recursive: Attributes = { set: [], clear: [] }
  const propagation: PropagationChange[] = []
  const parameters: Parameter[] = []
  const settings: MountSettings = {}
  let bind: MountOptions['bind'] = 'no'

  for (const option of options) {
    if (option.includes('=')) parameters.push(toParameter(option))
    // First of all: `rw` and `relatime` are not the recursive forms of something.
    else if (note(own, option)) continue
    else if (option.startsWith('r') && note(recursive, option.slice(1))) continue
    else if (option === 'bind') bind = bind === 'no' ? 'single' : bind
    else if (option === 'rbind') bind = 'recursive'
    else if (option === 'tmpcopyup') settings.copyUp = true
    else if (option !== '' && !WITHOUT_EFFECT.includes(option)) {
      const to = PROPAGATIONS.find((name) => option === name || option === `r${name}`)
      if (to === undefined) parameters.push({ name: option })
      else propagation.push({ to, recursive: option !== to })
    }
  }
  if (own.set.length > 0) settings.set = own.set
  if (own.clear.length > 0) settings.clear = own.clear
  if (recursive.set.length > 0) settings.setRecursively = recursive.set
  if (recursive.clear.length > 0) settings.clearRecursively = recursive.clear
  if (propagation.length > 0) settings.propagation = propagation
  return { bind, parameters, settings }
}

interface Attributes {
  readonly set: MountAttribute[]
  readonly clear: MountAttribute[]
}

/** These exclude each other. */
const ACCESS_TIME: readonly MountAttribute[] = ['noatime', 'relatime', 'strictatime']

/** Notes an attribute option, in place of earlier ones that it contradicts; false for any other. */
function note({ set, clear }: Attributes, option: string): boolean {
  const toSet = SET.get(option)
  const attribute = toSet ?? CLEAR.get(option)
  if (attribute === undefined) return false
  for (const over of ACCESS_TIME.includes(attribute) ? ACCESS_TIME : [attribute]) {
    remove(set, over)
    remove(clear, over)
  }
  const list = toSet ? set : clear
  list.push(attribute)
  return true
}

function remove(list: MountAttribute[], attribute: MountAttribute): void {
  const index = list.indexOf(attribute)
  if (index !== -1) list.splice(index, 1)
}

/** `size=64k`: the first `=` separates. */
function toParameter(option: string): Parameter {
  const equals = option.indexOf('=')
  return { name: option.slice(0, equals), value: option.slice(equals + 1) }
}
