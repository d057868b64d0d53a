/** What a process gets beside its credentials and limits, and the labels of security modules. For `create` and `exec`. */
import type { HardLimit, Step } from '../host/plan.js'
import {
  bitsOf,
  DOMAINS,
  IO_CLASSES,
  MEMORY_FLAGS,
  MEMORY_MODES,
  numberOf,
  POLICIES,
  SCHEDULER_FLAGS,
} from '../spec/attributes.js'
import { parseList } from '../spec/lists.js'
import { RLIMITS } from '../spec/process.js'
import type { IoPriority, Linux, MemoryPolicy, Personality, Process, Scheduler } from '../spec/spec.js'

/** While all rights are there; labels take effect when the program starts. */
export function attributeSteps(
  process: Process,
  { memoryPolicy, personality }: Pick<Linux, 'memoryPolicy' | 'personality'> = {},
): Step[] {
  const { scheduler, ioPriority, selinuxLabel, apparmorProfile } = process
  return [
    ...(selinuxLabel ? [{ selinuxLabel: { label: selinuxLabel } }] : []),
    ...(apparmorProfile ? [{ apparmorProfile: { profile: apparmorProfile } }] : []),
    ...(scheduler ? [planScheduler(scheduler)] : []),
    ...(ioPriority ? [planIoPriority(ioPriority)] : []),
    ...(personality ? [planPersonality(personality)] : []),
    ...(memoryPolicy ? [planMemoryPolicy(memoryPolicy)] : []),
  ]
}

/** Before everything else: without SELinux a label would be one more option that some file systems pass over. */
export function requireSelinux({ selinuxLabel }: Process, { mountLabel }: Linux = {}): Step[] {
  const field = selinuxLabel ? 'process.selinuxLabel' : mountLabel ? 'linux.mountLabel' : undefined
  return field === undefined ? [] : [{ requireSelinux: { field } }]
}

/** File systems that have labels of their own, which a mount option can't change. */
const OWN_LABELS: ReadonlySet<string> = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2'])

/** Mounts of new file systems with the SELinux context of `linux.mountLabel`, unless they have one. */
export function withMountLabel(steps: readonly Step[], label: string | undefined): readonly Step[] {
  if (!label) return steps
  return steps.map((step) => {
    if (typeof step === 'string' || !('mount' in step) || !('filesystem' in step.mount.what)) return step
    const { kind, parameters } = step.mount.what.filesystem
    if (OWN_LABELS.has(kind) || parameters.some(({ name }) => name === 'context')) return step
    const labelled = { kind, parameters: [...parameters, { name: 'context', value: label }] }
    return { mount: { ...step.mount, what: { filesystem: labelled } } }
  })
}

/** What init, in a user namespace of its own, could not raise any more. */
export function planHardLimits({ rlimits = [] }: Process): HardLimit[] {
  return rlimits.map(({ type, hard }) => ({ resource: RLIMITS.get(type) ?? -1, limit: String(hard) }))
}

/** The processors of `exec` before and after it enters the container's cgroup. */
export function planCpuAffinity({ execCPUAffinity = {} }: Process): { initial?: number[]; final?: number[] } {
  const [initial = [], final = []] = [execCPUAffinity.initial, execCPUAffinity.final].map((list = '') =>
    parseList(list),
  )
  return { ...(initial.length > 0 && { initial }), ...(final.length > 0 && { final }) }
}

function planScheduler(scheduler: Scheduler): Step {
  const { policy, flags, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = scheduler
  return {
    scheduler: {
      policy: numberOf(POLICIES, policy),
      flags: bitsOf(SCHEDULER_FLAGS, flags),
      nice,
      priority,
      runtime: String(runtime),
      deadline: String(deadline),
      period: String(period),
    },
  }
}

function planIoPriority({ class: name, priority = 0 }: IoPriority): Step {
  return { ioPriority: { class: numberOf(IO_CLASSES, name), priority } }
}

function planPersonality({ domain }: Personality): Step {
  return { personality: { domain: numberOf(DOMAINS, domain) } }
}

function planMemoryPolicy({ mode, flags, nodes = '' }: MemoryPolicy): Step {
  return {
    memoryPolicy: { mode: numberOf(MEMORY_MODES, mode) | bitsOf(MEMORY_FLAGS, flags), nodes: parseList(nodes) ?? [] },
  }
}
