/** Device nodes and links below /dev. */
import type { Facts } from '../host/host.js'
import type { Step } from '../host/plan.js'
import { resolvePath } from '../spec/rules.js'
import type { Device, Spec } from '../spec/spec.js'
import { bindsDev } from './mounts.js'
import { hasNamespace, requireMapped } from './namespaces.js'

/** What the runtime-spec has in every container. /dev/console comes with the terminal. */
const DEFAULTS: readonly Device[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9 },
]

/**
 * Ours to decide, unlike the nodes: an image's own are left alone, but for ptmx, which must be that of the container's
 * devpts.
 */
const LINKS: readonly Step[] = [
  { link: { target: 'pts/ptmx', path: '/dev/ptmx', replace: true } },
  { link: { target: '/proc/self/fd', path: '/dev/fd' } },
  { link: { target: '/proc/self/fd/0', path: '/dev/stdin' } },
  { link: { target: '/proc/self/fd/1', path: '/dev/stdout' } },
  { link: { target: '/proc/self/fd/2', path: '/dev/stderr' } },
  { link: { target: '/proc/kcore', path: '/dev/core' } },
]

export function deviceSteps(spec: Spec, facts: Facts): Step[] {
  const configured = spec.linux?.devices ?? []
  // The host's own /dev has its devices, and is not ours to change.
  const hostDev = bindsDev(spec)
  const wanted = [
    ...DEFAULTS.filter((device) => !hostDev && !configured.some(({ path }) => resolvePath(path) === device.path)),
    ...configured.filter(({ path }) => !(hostDev && resolvePath(path).startsWith('/dev/'))),
  ]
  // No user namespace but the first one may make nodes: there they are views of the host's.
  const bind = facts.inUserNamespace || hasNamespace(spec, 'user')
  const steps = wanted.map((device): Step => {
    const { type, path, major = 0, minor = 0, fileMode, uid = 0, gid = 0 } = device
    const mode = fileMode === undefined ? undefined : fileMode & 0o7777
    // Its owner is the host's too: callers send the ids that it has there, which are others here.
    if (bind && type !== 'p')
      return { hostDevice: { path, kind: type, major, minor, ...(mode !== undefined && { mode }) } }
    requireMapped(spec, 'uid', uid, `linux.devices: ${path}`)
    requireMapped(spec, 'gid', gid, `linux.devices: ${path}`)
    return { device: { path, kind: type, major, minor, mode: mode ?? 0o666, uid, gid } }
  })
  return hostDev ? steps : [...steps, ...LINKS]
}
