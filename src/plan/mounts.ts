/** The config's mounts, in its order, and the mounts that we add. */
import type { CgroupHierarchy, Facts } from '../host/host.js'
import type { CgroupPlan, Mount, Parameter, Step } from '../host/plan.js'
import { UnsupportedError } from '../spec/error.js'
import { resolvePath } from '../spec/rules.js'
import type { Mount as ConfigMount, Spec } from '../spec/spec.js'
import { cgroupLayout } from './cgroup.js'
import { PlanError } from './error.js'
import { hasNamespace, isNew, requireMapped } from './namespaces.js'
import { type MountOptions, sortOptions } from './options.js'
import type { Request } from './request.js'

export interface Mounts {
  readonly steps: Step[]
  /** Mounts that are read-only once everything is in them. */
  readonly readonlyPaths: string[]
}

/** Where the container finds the directory with its sd_notify(3) socket. */
export const NOTIFY_DIRECTORY = '/run/notify'

export function planMounts(spec: Spec, request: Request, facts: Facts, cgroup: CgroupPlan | undefined): Mounts {
  const steps: Step[] = []
  const readonlyPaths: string[] = []
  for (const [index, mount] of (spec.mounts ?? []).entries()) {
    const field = `mounts[${index}]`
    const options = sortOptions(mount.options)
    if (options.bind !== 'no') {
      steps.push({ mount: bind(mount, options, request.bundle, field) })
    } else if (mount.type === 'cgroup' && cgroupLayout(facts) !== 'v2') {
      steps.push(...cgroupV1(mount, options, spec, facts, cgroup))
      if (options.settings.set?.includes('ro')) readonlyPaths.push(target(mount))
    } else if (mount.type === 'cgroup' || mount.type === 'cgroup2') {
      steps.push({ mount: cgroupV2(mount, options, spec, facts, field) })
    } else {
      steps.push({ mount: filesystem(mount, mount.type ?? '', options, spec, field) })
    }
  }
  if (request.notify) steps.push({ mount: notifyDirectory(request) })
  return { steps, readonlyPaths }
}

/** Whether the config binds a host directory on the container's /dev, which then has its devices. */
export function bindsDev(spec: Spec): boolean {
  return (spec.mounts ?? []).some(
    ({ destination, options }) => resolvePath(destination) === '/dev' && sortOptions(options).bind !== 'no',
  )
}

/** Links stay in it: init resolves them inside the root. */
function target({ destination }: ConfigMount): string {
  return destination.startsWith('/') ? destination : `/${destination}`
}

function withOptions(path: string, what: Mount['what'], { settings }: MountOptions): Mount {
  return { target: path, what, ...settings }
}

function bind(mount: ConfigMount, options: MountOptions, bundle: string, field: string): Mount {
  const { source = '', destination } = mount
  if (source === '') throw new PlanError('request', `${field}.source`, 'expected the path to bind, found nothing')
  // All that procfs shows and takes would be the named directory's word.
  if (resolvePath(destination) === '/proc' && resolvePath(source) !== '/proc') {
    throw new PlanError('request', `${field}.source`, `only /proc can be bound on /proc, found ${source}`)
  }
  const [other] = options.parameters
  if (other || options.settings.copyUp) {
    const name = other?.name ?? 'tmpcopyup'
    throw new PlanError('request', `${field}.options`, `a bind can't have the option ${name}`)
  }
  const path = source.startsWith('/') ? source : `${bundle}/${source}`
  return withOptions(target(mount), { bind: { source: path, recursive: options.bind === 'recursive' } }, options)
}

function filesystem(mount: ConfigMount, kind: string, options: MountOptions, spec: Spec, field: string): Mount {
  if (options.settings.copyUp && kind !== 'tmpfs') {
    throw new PlanError('request', `${field}.options`, 'tmpcopyup is for a tmpfs')
  }
  const place = resolvePath(mount.destination)
  if (place === '/proc' && kind !== 'proc') {
    throw new PlanError('request', `${field}.type`, `only proc can be mounted on /proc, found ${kind}`)
  }
  if (place === '/dev' && options.settings.set?.includes('ro')) {
    throw new UnsupportedError(`${field}.options`, 'a read-only /dev is not supported yet')
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
  const planned = withOptions(target(mount), { filesystem: { kind, parameters } }, options)
  return kind === 'proc' || kind === 'sysfs' ? { ...planned, realDirectory: true } : planned
}

/** A new cgroup2 file system; without rights over our cgroup namespace a view of the host's. */
function cgroupV2(mount: ConfigMount, options: MountOptions, spec: Spec, facts: Facts, field: string): Mount {
  const host = facts.cgroups.find(({ version }) => version === 2)
  if (host && hasNamespace(spec, 'user') && !hasNamespace(spec, 'cgroup')) {
    return withOptions(target(mount), { bind: { source: host.mount, recursive: true } }, options)
  }
  return filesystem(mount, 'cgroup2', options, spec, field)
}

/** A tmpfs with a directory a hierarchy, named as on the host; `cpu` and `cpuacct` are links to `cpu,cpuacct`. */
function cgroupV1(
  mount: ConfigMount,
  options: MountOptions,
  spec: Spec,
  facts: Facts,
  cgroup: CgroupPlan | undefined,
): Step[] {
  const top = target(mount)
  const steps: Step[] = [
    {
      mount: {
        ...withOptions(
          top,
          {
            filesystem: {
              kind: 'tmpfs',
              parameters: [
                { name: 'source', value: 'tmpfs' },
                { name: 'mode', value: '755' },
              ],
            },
          },
          options,
        ),
        // Not yet read-only: the hierarchies' directories are made in it.
        set: ['nosuid', 'nodev', 'noexec'],
        clear: [],
      },
    },
  ]
  for (const hierarchy of facts.cgroups) {
    const name = hierarchy.mount.slice(hierarchy.mount.lastIndexOf('/') + 1)
    const what: Mount['what'] = isNew(spec, 'cgroup')
      ? { filesystem: hierarchyFilesystem(hierarchy) }
      : { bind: { source: hierarchyDirectory(hierarchy, cgroup), recursive: true } }
    steps.push({ mount: withOptions(`${top}/${name}`, what, options) })
    if (!name.includes(',')) continue
    for (const link of name.split(',')) steps.push({ link: { target: name, path: `${top}/${link}` } })
  }
  return steps
}

function hierarchyFilesystem({ version, controllers }: CgroupHierarchy): { kind: string; parameters: Parameter[] } {
  if (version === 2) return { kind: 'cgroup2', parameters: [{ name: 'source', value: 'cgroup2' }] }
  return {
    kind: 'cgroup',
    parameters: [
      { name: 'source', value: 'cgroup' },
      ...controllers.flatMap((controller): Parameter[] =>
        controller.startsWith('name=')
          ? [{ name: 'none' }, { name: 'name', value: controller.slice('name='.length) }]
          : [{ name: controller }],
      ),
    ],
  }
}

/** The container's own cgroup on the host; ours where it may get none of its own. */
function hierarchyDirectory({ mount, own }: CgroupHierarchy, cgroup: CgroupPlan | undefined): string {
  const planned = cgroup?.optional ? undefined : cgroup?.hierarchies.find((one) => one.mount === mount)
  const path = planned ? `/${planned.path}` : own
  return path === '/' ? mount : `${mount}${path}`
}

function notifyDirectory({ root, id }: Request): Mount {
  return withOptions(
    NOTIFY_DIRECTORY,
    { bind: { source: `${root}/${id}/notify`, recursive: false } },
    sortOptions(['bind', 'nosuid', 'noexec', 'nodev', 'ro']),
  )
}
