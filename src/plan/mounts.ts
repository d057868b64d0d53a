/** The config's mounts, in its order, and the mounts that we add. */
import type { Facts } from '../host/host.js'
import type { CgroupPlan, Mount, Parameter, Step } from '../host/plan.js'
import { resolvePath } from '../spec/rules.js'
import type { Mount as ConfigMount, Spec } from '../spec/spec.js'
import { cgroupLayout } from './cgroup.js'
import { cgroupV1, cgroupV2, withHostOptions } from './cgroup-mounts.js'
import { PlanError } from './error.js'
import { planIdMap } from './mapped-mounts.js'
import { requireMapped } from './namespaces.js'
import { type MountOptions, readonlyLast, sortOptions } from './options.js'
import type { Request } from './request.js'

/** Where the container finds the directory with its sd_notify(3) socket. */
export const NOTIFY_DIRECTORY = '/run/notify'

/** What mounts depend on beside the config. */
export type MountsRequest = Pick<Request, 'root' | 'id' | 'bundle' | 'notify'>

export function planMounts(spec: Spec, request: MountsRequest, facts: Facts, cgroup: CgroupPlan | undefined): Step[] {
  const steps: Step[] = []
  for (const [index, mount] of (spec.mounts ?? []).entries()) {
    const field = `mounts[${index}]`
    const options = sortOptions(mount.options)
    const idMap = planIdMap(mount, options, spec, facts, field)
    const add = (planned: Mount): unknown => steps.push({ mount: idMap ? { ...planned, idMap } : planned })
    if (options.remount) add(remount(mount, options, field))
    else if (options.bind !== 'no') add(bind(mount, options, request.bundle, field))
    else if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') {
      add(filesystem(mount, mount.type ?? '', options, spec, field))
    } else if (idMap) throw new PlanError('request', `${field}.options`, 'a cgroup file system cannot be id-mapped')
    else if (mount.type === 'cgroup' && cgroupLayout(facts) !== 'v2') {
      steps.push(...cgroupV1(target(mount), options, spec, facts, cgroup))
    } else {
      const view = cgroupV2(target(mount), options, spec, facts, cgroup)
      add(view ?? filesystem(mount, 'cgroup2', withHostOptions(options, facts), spec, field))
    }
  }
  if (request.notify) steps.push({ mount: notifyDirectory(request) })
  return steps
}

/** Whether the config binds a host directory on the container's /dev, which then has its devices. */
export function bindsDev(spec: Spec): boolean {
  return (spec.mounts ?? []).some(
    ({ destination, options }) => resolvePath(destination) === '/dev' && sortOptions(options).bind !== 'no',
  )
}

/** Links and `..` stay in it: init resolves them inside the root. */
function target({ destination }: ConfigMount): string {
  if (resolvePath(destination) === '/') return '/'
  return destination.startsWith('/') ? destination : `/${destination}`
}

function bind(mount: ConfigMount, options: MountOptions, bundle: string, field: string): Mount {
  const { source = '', destination } = mount
  if (source === '') throw new PlanError('request', `${field}.source`, 'expected the path to bind, found nothing')
  // All that procfs shows and takes would be the named directory's word.
  if (resolvePath(destination) === '/proc' && resolvePath(source) !== '/proc') {
    throw new PlanError('request', `${field}.source`, `only /proc can be bound on /proc, found ${source}`)
  }
  refuseForeign(options, 'a bind', field)
  if (options.settings.special?.includes('overLink') && target(mount) === '/') {
    throw new PlanError('request', `${field}.options`, 'the root is no link')
  }
  const path = source.startsWith('/') ? source : `${bundle}/${source}`
  const recursive = options.bind === 'recursive'
  const { link } = options
  return {
    target: target(mount),
    what: { bind: { source: path, recursive, ...(link && { link }) } },
    ...options.settings,
  }
}

/** Refuses options that only a new file system can have. */
function refuseForeign({ parameters, settings }: MountOptions, what: string, field: string): void {
  const { special = [] } = settings
  const [other] = parameters
  const name = other?.name ?? (special.includes('copyUp') ? 'tmpcopyup' : 'iversion')
  if (other || special.includes('copyUp') || special.includes('countChanges')) {
    throw new PlanError('request', `${field}.options`, `${what} can't have the option ${name}`)
  }
}

/** Only what the options say changes: a remount keeps the other attributes, unlike that of mount(2), which takes them away. */
function remount(mount: ConfigMount, options: MountOptions, field: string): Mount {
  const { bind, parameters, settings, link } = options
  refuseForeign({ ...options, parameters: bind === 'no' ? [] : parameters }, 'a remount', field)
  if (settings.special || link) {
    throw new PlanError('request', `${field}.options`, 'dest-nofollow, src-nofollow and copy-symlink are for a bind')
  }
  return { target: target(mount), what: { existing: { parameters } }, ...settings }
}

function filesystem(mount: ConfigMount, kind: string, options: MountOptions, spec: Spec, field: string): Mount {
  const { special = [] } = options.settings
  if (special.includes('copyUp') && kind !== 'tmpfs') {
    throw new PlanError('request', `${field}.options`, 'tmpcopyup is for a tmpfs')
  }
  if (special.includes('overLink') || options.link) {
    throw new PlanError('request', `${field}.options`, 'dest-nofollow, src-nofollow and copy-symlink are for a bind')
  }
  const place = resolvePath(mount.destination)
  if (place === '/proc' && kind !== 'proc') {
    throw new PlanError('request', `${field}.type`, `only proc can be mounted on /proc, found ${kind}`)
  }
  for (const { name, value = '' } of options.parameters) {
    if ((name === 'uid' || name === 'gid') && /^\d+$/.test(value)) {
      requireMapped(spec, name, Number(value), `${field}.options`)
    }
  }
  const parameters: Parameter[] = [
    ...(mount.source ? [{ name: 'source', value: mount.source }] : []),
    ...options.parameters,
  ]
  const planned: Mount = { target: target(mount), what: { filesystem: { kind, parameters } }, ...options.settings }
  if (kind === 'proc' || kind === 'sysfs') planned.special = [...special, 'realDirectory']
  // Mount points, devices and links are made in it, as runc does.
  const late = (kind === 'tmpfs' || place === '/dev') && planned.set?.includes('ro')
  return late ? readonlyLast(planned) : planned
}

function notifyDirectory({ root, id }: MountsRequest): Mount {
  return {
    target: NOTIFY_DIRECTORY,
    what: { bind: { source: `${root}/${id}/notify`, recursive: false } },
    ...sortOptions(['bind', 'nosuid', 'noexec', 'nodev', 'ro']).settings,
  }
}
