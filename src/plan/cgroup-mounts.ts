/** Mounts of type `cgroup`: cgroup2, or a directory with the container's cgroup of every v1 hierarchy. */
import type { CgroupHierarchy, Facts } from '../host/host.js'
import type { CgroupPlan, Mount, Parameter, Step } from '../host/plan.js'
import type { Spec } from '../spec/spec.js'
import { hasNamespace, isNew } from './namespaces.js'
import { type MountOptions, readonlyLast } from './options.js'

/**
 * The container's own cgroup on the host, in a user namespace without rights over our cgroup namespace; undefined where a
 * new cgroup2 can be mounted.
 */
export function cgroupV2(
  top: string,
  options: MountOptions,
  spec: Spec,
  facts: Facts,
  cgroup: CgroupPlan | undefined,
): Mount | undefined {
  const host = facts.cgroups.find(({ version }) => version === 2)
  if (!host || !hasNamespace(spec, 'user') || hasNamespace(spec, 'cgroup')) return undefined
  return {
    target: top,
    what: { bind: { source: hierarchyDirectory(host, cgroup), recursive: true } },
    ...options.settings,
  }
}

/**
 * Outside of a cgroup namespace of its own, a container that mounts cgroup2 sets the options of the one that all mounts are
 * of: they stay as they are (cgroup-v2.rst, "Mounting").
 */
export function withHostOptions(options: MountOptions, { cgroups }: Facts): MountOptions {
  const host = cgroups.find(({ version }) => version === 2)?.options ?? []
  return { ...options, parameters: [...host.map((name) => ({ name })), ...options.parameters] }
}

/** A tmpfs with a directory a hierarchy, named as on the host; `cpu` and `cpuacct` are links to `cpu,cpuacct`. */
export function cgroupV1(
  top: string,
  options: MountOptions,
  spec: Spec,
  facts: Facts,
  cgroup: CgroupPlan | undefined,
): Step[] {
  const parameters = [
    { name: 'source', value: 'tmpfs' },
    { name: 'mode', value: '755' },
  ]
  const base: Mount = { target: top, what: { filesystem: { kind: 'tmpfs', parameters } }, ...options.settings }
  // The hierarchies' directories are made in it first.
  const directories = options.settings.set?.includes('ro') ? readonlyLast(base) : base
  const steps: Step[] = [{ mount: { ...directories, set: ['nosuid', 'nodev', 'noexec'], clear: [] } }]
  for (const hierarchy of facts.cgroups) {
    const name = hierarchy.mount.slice(hierarchy.mount.lastIndexOf('/') + 1)
    const what: Mount['what'] = isNew(spec, 'cgroup')
      ? { filesystem: hierarchyFilesystem(hierarchy) }
      : { bind: { source: hierarchyDirectory(hierarchy, cgroup), recursive: true } }
    steps.push({ mount: { target: `${top}/${name}`, what, ...options.settings } })
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
