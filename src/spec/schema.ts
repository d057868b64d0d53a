/** What a config.json looks like, field by field. What fields have to do with each other is in rules.ts. */
import { memoryPolicy, personality } from './attributes.js'
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
  wide,
} from './check.js'
import { hooks } from './hooks.js'
import { idMappings, namespaces, processSection } from './process.js'
import { resources } from './resources.js'
import { seccomp } from './seccomp.js'
import type { Device, IntelRdt, Linux, Mount, NetDevice, Root, Spec, TimeOffset } from './spec.js'

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
      intelRdt: lazy(() => {
        const line = like('one line', /^[^\n]*$/)
        return obj<IntelRdt>(
          {},
          {
            closID: like('the name of a directory, or /', /^(?!\.\.?$)[^/\n]*$|^\/$/),
            l3CacheSchema: line,
            memBwSchema: like('a line that begins with MB:', /^(MB:[^\n]*)?$/),
            schemata: arr(line),
            enableMonitoring: flag,
          },
        )
      }),
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

/** A config.json of runtime-spec 1.x: a later minor version only adds what may be passed over. */
export const spec: Check<Spec> = obj<Spec>(
  {
    ociVersion: like('a version 1.x.y', /^1\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[\dA-Za-z.-]+)?(\+[\dA-Za-z.-]+)?$/),
    root,
    process: processSection,
  },
  { hostname: text, domainname: text, mounts, hooks, annotations: rec(text), linux },
)
