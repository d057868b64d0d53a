/**
 * What a process has beside its credentials and limits: how it is scheduled, its I/O priority, the processors of `exec`,
 * its memory policy and execution domain. Their words with the kernel's numbers, what they look like, and their rules.
 */
import { arr, describe, INT64_MAX, int, lazy, like, obj, oneOf, text, UINT64_MAX, wide } from './check.js'
import { parseList } from './lists.js'
import type { CpuAffinity, IoPriority, MemoryPolicy, Personality, ProcessSpec, Scheduler } from './spec.js'

/** sched_setattr(2), <linux/sched.h>. */
export const POLICIES = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const

export const SCHEDULER_FLAGS = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const

/** ioprio_set(2). */
export const IO_CLASSES = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const

/** set_mempolicy(2), <linux/mempolicy.h>. */
export const MEMORY_MODES = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const

export const MEMORY_FLAGS = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
} as const

/** personality(2). */
export const DOMAINS = { LINUX: 0, LINUX32: 8 } as const

/** A number of the table by its name. */
export function numberOf(table: Readonly<Record<string, number>>, name: string): number {
  return table[name] ?? -1
}

/** The numbers of names in one word. */
export function bitsOf(table: Readonly<Record<string, number>>, names: readonly string[] = []): number {
  return names.reduce((bits, name) => bits | numberOf(table, name), 0)
}

function nameIn(table: Readonly<Record<string, number>>) {
  return oneOf(...Object.keys(table))
}

const list = like('a list such as 0-3,7', /^[\d, \t\n-]*$/)

export const scheduler = lazy(() => {
  const nanoseconds = wide(0n, UINT64_MAX)
  return obj<Scheduler>(
    { policy: nameIn(POLICIES) },
    {
      nice: int(-20, 19),
      priority: int(0, 99),
      flags: arr(nameIn(SCHEDULER_FLAGS)),
      runtime: nanoseconds,
      deadline: nanoseconds,
      period: nanoseconds,
    },
  )
})

export const ioPriority = lazy(() => obj<IoPriority>({ class: nameIn(IO_CLASSES) }, { priority: int(0, 7) }))

export const execCPUAffinity = lazy(() => obj<CpuAffinity>({}, { initial: list, final: list }))

export const memoryPolicy = lazy(() =>
  obj<MemoryPolicy>({ mode: nameIn(MEMORY_MODES) }, { nodes: list, flags: arr(nameIn(MEMORY_FLAGS)) }),
)

export const personality = lazy(() =>
  // No flag is defined yet.
  obj<Personality>({ domain: nameIn(DOMAINS) }, { flags: arr(text, { most: 0 }) }),
)

/** The rules that these break, each as its field and what is wrong. */
export function brokenAttributes({ process, linux = {} }: ProcessSpec): string[] {
  const { execCPUAffinity: affinity = {} } = process
  return [
    ...(process.scheduler ? schedulerRules(process.scheduler) : []),
    ...listRule('process.execCPUAffinity.initial', affinity.initial),
    ...listRule('process.execCPUAffinity.final', affinity.final),
    ...(linux.memoryPolicy ? memoryRules(linux.memoryPolicy) : []),
  ]
}

function schedulerRules({
  policy,
  nice = 0,
  priority = 0,
  flags = [],
  runtime = 0,
  deadline = 0,
  period = 0,
}: Scheduler): string[] {
  const field = 'process.scheduler'
  const realtime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR'
  // With these the kernel takes the policy or all the rest from what is set already.
  if (flags.includes('SCHED_FLAG_KEEP_POLICY') || flags.includes('SCHED_FLAG_KEEP_PARAMS')) return []
  if (realtime && priority === 0) return [`${field}.priority: expected 1 to 99 for ${policy}, found 0`]
  const problems: string[] = []
  if (nice !== 0 && policy !== 'SCHED_OTHER' && policy !== 'SCHED_BATCH') {
    problems.push(`${field}.nice: only SCHED_OTHER and SCHED_BATCH have one`)
  }
  if (!realtime && priority !== 0) problems.push(`${field}.priority: only SCHED_FIFO and SCHED_RR have one`)
  if (policy === 'SCHED_DEADLINE') {
    const [least, most] = [BigInt(runtime), BigInt(period) || BigInt(deadline)]
    if (least > BigInt(deadline)) problems.push(`${field}.runtime: ${runtime} is more than the deadline ${deadline}`)
    else if (BigInt(deadline) > most) problems.push(`${field}.deadline: ${deadline} is more than the period ${period}`)
    else if (most > INT64_MAX) problems.push(`${field}.period: more than the kernel takes, which is ${INT64_MAX}`)
  } else if (runtime || deadline || period) {
    problems.push(`${field}: only SCHED_DEADLINE has runtime, deadline and period`)
  }
  return problems
}

function memoryRules({ mode, nodes = '', flags = [] }: MemoryPolicy): string[] {
  const field = 'linux.memoryPolicy'
  const problems = listRule(`${field}.nodes`, nodes)
  if (problems.length > 0) return problems
  const count = parseList(nodes)?.length
  if ((mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') && count !== 0) {
    problems.push(`${field}.nodes: expected none for ${mode}, found ${describe(nodes)}`)
  } else if (/BIND|INTERLEAVE|MANY/.test(mode) && count === 0) {
    problems.push(`${field}.nodes: expected at least one for ${mode}, found none`)
  }
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES')) {
    problems.push(`${field}.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other`)
  }
  return problems
}

function listRule(field: string, text: string | undefined): string[] {
  return text !== undefined && parseList(text) === undefined
    ? [`${field}: expected a list such as 0-3,7, found ${describe(text)}`]
    : []
}
