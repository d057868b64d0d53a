/**
 * The parts of a config.json that every process of a container is made by, not only its first: what `exec` reads, and so kept apart
 * from the rest.
 */

import { makeValidator } from 'typanion'
import { brokenAttributes, execCPUAffinity, ioPriority, memoryPolicy, personality, scheduler } from './attributes.js'
import {
  absolutePath,
  arr,
  type Check,
  checked,
  describe,
  flag,
  id,
  int,
  lazy,
  like,
  obj,
  oneOf,
  parseChecked,
  rec,
  text,
  UINT32_MAX,
  UINT64_MAX,
  variables,
  wide,
} from './check.js'
import { firstOf, SpecError } from './error.js'
import { isObject, parseJsonExactly } from './json.js'
import type { Capabilities, IdMapping, Namespace, Process, ProcessSpec, Rlimit, User } from './spec.js'

const texts = arr(text)

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

export const processSection: Check<Process> = obj<Process>(
  { user, args: arr(text, { least: 'at least one string' }), cwd: absolutePath },
  {
    terminal: flag,
    consoleSize,
    env: variables,
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

/** The kinds of namespaces: namespaces(7). */
export const NAMESPACES = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const

export const namespaces = lazy(() =>
  arr(obj<Namespace>({ type: oneOf(...NAMESPACES) }, { path: like('an absolute path', /^(\/|$)/) })),
)

export const idMappings = lazy(() =>
  arr(
    obj<IdMapping>({ containerID: int(0, UINT32_MAX), hostID: int(0, UINT32_MAX), size: int(1, UINT32_MAX) }, {}),
    // user_namespaces(7): the kernel takes no more lines.
    { most: 340 },
  ),
)

/** setrlimit(2): the numbers of the resources. */
export const RLIMITS: ReadonlyMap<string, number> = new Map(
  [
    'RLIMIT_CPU',
    'RLIMIT_FSIZE',
    'RLIMIT_DATA',
    'RLIMIT_STACK',
    'RLIMIT_CORE',
    'RLIMIT_RSS',
    'RLIMIT_NPROC',
    'RLIMIT_NOFILE',
    'RLIMIT_MEMLOCK',
    'RLIMIT_AS',
    'RLIMIT_LOCKS',
    'RLIMIT_SIGPENDING',
    'RLIMIT_MSGQUEUE',
    'RLIMIT_NICE',
    'RLIMIT_RTPRIO',
    'RLIMIT_RTTIME',
  ].map((name, number) => [name, number]),
)

/** Those of the process section, and of what goes with it. */
export function brokenProcessRules(spec: ProcessSpec): string[] {
  const { args, env = [] } = spec.process
  return [
    ...brokenStrings('process.args', args),
    ...brokenStrings('process.env', env),
    ...brokenRlimits(spec.process),
    ...brokenAttributes(spec),
  ]
}

/** execve(2): the kernel takes no longer string. In bytes, with its NUL. */
const MAX_STRING = 131_072
/** Together; the kernel takes two of these, at the usual limit of the stack, for arguments and environment. */
const MAX_STRINGS = 1 << 20

/** The limits of execve(2), so that the field is named and not the program that can't be started. */
function brokenStrings(field: string, strings: readonly string[]): string[] {
  const least = strings.reduce((total, text) => total + text.length + 1, 0)
  // A character is at most three bytes for each of its UTF-16 units.
  if (3 * least <= MAX_STRING) return []
  const sizes = strings.map((text) => byteLength(text) + 1)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  return [
    ...sizes.flatMap((size, index) =>
      size > MAX_STRING ? [`${field}[${index}]: expected at most ${MAX_STRING - 1} bytes, found ${size - 1}`] : [],
    ),
    ...(total > MAX_STRINGS ? [`${field}: expected at most ${MAX_STRINGS} bytes, found ${total}`] : []),
  ]
}

/** In UTF-8. There are no halves of characters: json.ts has refused them. */
function byteLength(text: string): number {
  return encodeURIComponent(text).replace(/%../g, '.').length
}

function brokenRlimits(process: Process): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const [index, { type, soft, hard }] of (process.rlimits ?? []).entries()) {
    const field = `process.rlimits[${index}]`
    if (!RLIMITS.has(type))
      problems.push(`${field}.type: expected a resource such as RLIMIT_NOFILE, found ${describe(type)}`)
    if (seen.has(type)) problems.push(`${field}: a second limit of ${type}`)
    if (soft > hard) problems.push(`${field}.soft: ${soft} is above the hard limit ${hard}`)
    seen.add(type)
  }
  return problems
}

/** What is there of a whole config.json, which is to be passed over here but for its presence. */
const section: Check<object> = makeValidator({ test: (value: unknown): value is object => isObject(value) })

const saved = obj<ProcessSpec>(
  { process: processSection },
  {
    annotations: rec(text),
    linux: lazy(() =>
      obj<NonNullable<ProcessSpec['linux']>>(
        {},
        { namespaces, uidMappings: idMappings, gidMappings: idMappings, personality, memoryPolicy, seccomp: section },
      ),
    ),
  },
)

/** Reads the config.json that a launch has saved, which it had checked. Throws a {@link SpecError} when it is damaged. */
export function parseSaved(path: string, text: string): ProcessSpec {
  return parseChecked(saved, path, text)
}

const alone = obj<Pick<ProcessSpec, 'process'>>({ process: processSection }, {})

/** Reads a process section that is a document of its own. Throws a {@link SpecError}. */
export function parseProcess(path: string, text: string): Process {
  const document = checked(alone, path, { process: parseJsonExactly(path, text) })
  const broken = brokenProcessRules(document)
  if (broken.length > 0) throw new SpecError(path, firstOf(broken))
  return document.process
}
