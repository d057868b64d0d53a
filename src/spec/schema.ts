/** What a config.json looks like, field by field. What fields have to do with each other is in rules.ts. */
import { execCPUAffinity, ioPriority, memoryPolicy, personality, scheduler } from './attributes.js'
import {
  absolutePath,
  arr,
  type Check,
  flag,
  INT64_MAX,
  id,
  int,
  lazy,
  like,
  obj,
  oneOf,
  rec,
  text,
  UINT32_MAX,
  UINT64_MAX,
  wide,
} from './check.js'
import { resources } from './resources.js'
import { seccomp } from './seccomp.js'
import type {
  Capabilities,
  Device,
  IdMapping,
  Linux,
  Mount,
  Namespace,
  NetDevice,
  Process,
  Rlimit,
  Root,
  Spec,
  TimeOffset,
  User,
} from './spec.js'

/** More mounts than any real container has; each costs the kernel memory that nothing limits. */
const MOST_MOUNTS = 4096

const texts = arr(text)

const root: Check<Root> = obj<Root>({ path: like('a path', /./s) }, { readonly: flag })

const mounts = lazy(() =>
  arr(
    obj<Mount>(
      { destination: like('a path', /./s) },
      { type: text, source: text, options: texts, uidMappings: idMappings, gidMappings: idMappings },
    ),
    { most: MOST_MOUNTS },
  ),
)

const user = obj<User>({ uid: id, gid: id }, { umask: int(0, 0o777), additionalGids: arr(id) })

const capabilities = lazy(() =>
  obj<Capabilities>({}, { bounding: texts, effective: texts, permitted: texts, inheritable: texts, ambient: texts }),
)

const rlimits = lazy(() => {
  const limit = wide(0n, UINT64_MAX)
  return arr(obj<Rlimit>({ type: text, soft: limit, hard: limit }, {}))
})

const consoleSize = lazy(() => {
  const characters = int(0, 65535)
  return obj<{ height: number; width: number }>({ height: characters, width: characters }, {})
})

const process: Check<Process> = obj<Process>(
  { user, args: arr(text, { least: 'at least one string' }), cwd: absolutePath },
  {
    terminal: flag,
    consoleSize,
    env: arr(like('NAME=value', /^[^=]+=/)),
    capabilities,
    rlimits,
    noNewPrivileges: flag,
    oomScoreAdj: int(-1000, 1000),
    apparmorProfile: text,
    selinuxLabel: text,
    scheduler,
    ioPriority,
    execCPUAffinity,
  },
)

const namespaces = lazy(() =>
  arr(
    obj<Namespace>(
      { type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time') },
      { path: like('an absolute path', /^(\/|$)/) },
    ),
  ),
)

const idMappings = lazy(() =>
  arr(
    obj<IdMapping>({ containerID: int(0, UINT32_MAX), hostID: int(0, UINT32_MAX), size: int(1, UINT32_MAX) }, {}),
    // user_namespaces(7): the kernel takes no more lines.
    { most: 340 },
  ),
)

const timeOffsets = lazy(() =>
  rec(obj<TimeOffset>({}, { secs: wide(-INT64_MAX, INT64_MAX), nanosecs: int(0, 999_999_999) })),
)

const devices = lazy(() => {
  const number = int(0, UINT32_MAX)
  return arr(
    obj<Device>(
      { type: oneOf('b', 'c', 'u', 'p'), path: absolutePath },
      { major: number, minor: number, fileMode: int(0, 0o177777), uid: id, gid: id },
    ),
  )
})

const linux = lazy(() => {
  const paths = arr(absolutePath)
  return obj<Linux>(
    {},
    {
      namespaces,
      uidMappings: idMappings,
      gidMappings: idMappings,
      timeOffsets,
      devices,
      netDevices: lazy(() => rec(obj<NetDevice>({}, { name: text }))),
      cgroupsPath: text,
      resources,
      sysctl: rec(text),
      rootfsPropagation: like(
        'one of shared, slave, private, unbindable, or one of these after an r',
        /^(r?(shared|slave|private|unbindable))?$/,
      ),
      maskedPaths: paths,
      readonlyPaths: paths,
      mountLabel: text,
      personality,
      memoryPolicy,
      seccomp,
    },
  )
})

/** For a process section that stands alone. */
export const hasProcess: Check<Pick<Spec, 'process'>> = obj<Pick<Spec, 'process'>>({ process }, {})

/** A config.json of runtime-spec 1.x: a later minor version only adds what may be passed over. */
export const spec: Check<Spec> = obj<Spec>(
  {
    ociVersion: like('a version 1.x.y', /^1\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[\dA-Za-z.-]+)?(\+[\dA-Za-z.-]+)?$/),
    root,
    process,
  },
  { hostname: text, domainname: text, mounts, annotations: rec(text), linux },
)
