/** The options of a mount (runtime-spec config.md, mount(8)) sorted into what the kernel's mount calls take. */
import type {
  Mount,
  MountAttribute,
  Parameter,
  Propagation,
  PropagationChange,
  SourceLink,
  Special,
} from '../host/plan.js'

export interface MountOptions {
  /** Whether it is a view of a host path, and of the mounts below that. */
  readonly bind: 'no' | 'single' | 'recursive'
  /** What belongs to the file system: all that is no option of every mount. */
  readonly parameters: Parameter[]
  /** Change what is mounted already. */
  readonly remount: boolean
  /** What is to be done with a source that is a symbolic link. */
  readonly link?: SourceLink
  readonly idMap?: { readonly recursive: boolean; readonly inline?: string }
  readonly settings: MountSettings
}

/** What any mount can be told, as the step has it. */
export type MountSettings = Pick<
  Mount,
  'set' | 'clear' | 'setRecursively' | 'clearRecursively' | 'propagation' | 'special'
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

/** Their opposites, which every new file system has; a remount passes them on. */
const SUPERBLOCK_OFF = ['async', 'nolazytime', 'nomand']

/**
 * What a new file system has anyway. `silent` and `loud` are about messages
 * in the kernel's log, which fsopen(2) gives to its caller instead.
 */
const WITHOUT_EFFECT = ['defaults', 'noiversion', 'silent', 'loud']

const SPECIAL: ReadonlyMap<string, Special> = new Map([
  ['tmpcopyup', 'copyUp'],
  ['dest-nofollow', 'overLink'],
  ['iversion', 'countChanges'],
])

/** Options of crun for a source that is a symbolic link. */
const LINK: ReadonlyMap<string, SourceLink> = new Map([
  ['src-nofollow', 'bind'],
  ['copy-symlink', 'copy'],
])

/** All options that have a meaning to us, sorted: what `features` lists. */
export const MOUNT_OPTIONS: readonly string[] = [
  ...[...SET.keys(), ...CLEAR.keys(), ...PROPAGATIONS].flatMap((name) => [name, `r${name}`]),
  ...SUPERBLOCK,
  ...SUPERBLOCK_OFF,
  ...WITHOUT_EFFECT,
  ...SPECIAL.keys(),
  ...LINK.keys(),
  'bind',
  'rbind',
  'remount',
  'idmap',
  'ridmap',
].sort()

/** Sorts options. Of two that contradict each other, the later one counts. */
export function sortOptions(options: readonly string[] = []): MountOptions {
  const own: Attributes = { set: [], clear: [] }
  const recursive: Attributes = { set: [], clear: [] }
  const propagation: PropagationChange[] = []
  const parameters: Parameter[] = []
  const special: Special[] = []
  const settings: MountSettings = {}
  const remount = options.includes('remount')
  let bind: MountOptions['bind'] = 'no'
  let link: SourceLink | undefined
  let idMap: MountOptions['idMap']

  for (const option of options) {
    const [, recursively, inline] = /^(r?)idmap(?:=(.*))?$/.exec(option) ?? []
    const toSpecial = SPECIAL.get(option)
    if (recursively !== undefined) idMap = { recursive: recursively === 'r', ...(inline !== undefined && { inline }) }
    else if (option.includes('=')) parameters.push(toParameter(option))
    // First of all: `rw` and `relatime` are not the recursive forms of something.
    else if (note(own, option)) continue
    else if (option.startsWith('r') && note(recursive, option.slice(1))) continue
    else if (option === 'bind') bind = bind === 'no' ? 'single' : bind
    else if (option === 'rbind') bind = 'recursive'
    else if (toSpecial) special.push(toSpecial)
    else if (LINK.has(option)) link = LINK.get(option)
    else if (SUPERBLOCK_OFF.includes(option)) turnOff(parameters, option, remount)
    else if (option !== '' && option !== 'remount' && !WITHOUT_EFFECT.includes(option)) {
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
  if (special.length > 0) settings.special = special
  return { bind, parameters, remount, ...(link && { link }), ...(idMap && { idMap }), settings }
}

/** Read-only, but only once everything is in it. */
export function readonlyLast(mount: Mount): Mount {
  const { set = [], special = [] } = mount
  return { ...mount, set: set.filter((one) => one !== 'ro'), special: [...special, 'readonlyLast'] }
}

/** Takes back the option that this one is the opposite of: `async` that of `sync`. */
function turnOff(parameters: Parameter[], option: string, remount: boolean): void {
  const opposite = option === 'async' ? 'sync' : option.slice('no'.length)
  const index = parameters.findIndex(({ name }) => name === opposite)
  if (index !== -1) parameters.splice(index, 1)
  if (remount) parameters.push({ name: option })
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
