/** `linux.seccomp`: its words, what it looks like, and what its fields have to do with each other. crates/seccomp compiles it. */
import { arr, int, lazy, like, obj, oneOf, text, UINT32_MAX, UINT64_MAX, wide } from './check.js'
import type { Seccomp, SyscallCondition, SyscallRule } from './spec.js'

export const ACTIONS = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
] as const

export const OPERATORS = [
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_LE',
  'SCMP_CMP_LT',
  'SCMP_CMP_MASKED_EQ',
  'SCMP_CMP_NE',
] as const

export const ARCHITECTURES = [
  'SCMP_ARCH_AARCH64',
  'SCMP_ARCH_ARM',
  'SCMP_ARCH_LOONGARCH64',
  'SCMP_ARCH_M68K',
  'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64',
  'SCMP_ARCH_MIPS64N32',
  'SCMP_ARCH_MIPSEL',
  'SCMP_ARCH_MIPSEL64',
  'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64',
  'SCMP_ARCH_PPC',
  'SCMP_ARCH_PPC64',
  'SCMP_ARCH_PPC64LE',
  'SCMP_ARCH_RISCV64',
  'SCMP_ARCH_S390',
  'SCMP_ARCH_S390X',
  'SCMP_ARCH_SH',
  'SCMP_ARCH_SHEB',
  'SCMP_ARCH_X32',
  'SCMP_ARCH_X86',
  'SCMP_ARCH_X86_64',
] as const

export const FLAGS = [
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const

export const seccomp = lazy(() => {
  const action = oneOf(...ACTIONS)
  const errno = int(0, UINT32_MAX)
  const argument = wide(0n, UINT64_MAX)
  const condition = obj<SyscallCondition>(
    { index: int(0, 5), value: argument, op: oneOf(...OPERATORS) },
    { valueTwo: argument },
  )
  const rule = obj<SyscallRule>(
    { names: arr(like('a system call', /./), { least: 'at least one system call' }), action },
    { errnoRet: errno, args: arr(condition) },
  )
  return obj<Seccomp>(
    { defaultAction: action },
    {
      defaultErrnoRet: errno,
      architectures: arr(oneOf(...ARCHITECTURES)),
      flags: arr(oneOf(...FLAGS)),
      listenerPath: like('an absolute path', /^(\/|$)/),
      listenerMetadata: text,
      syscalls: arr(rule),
    },
  )
})

/** Actions that have an errno, with the highest: MAX_ERRNO of the kernel, and what a tracer can be told. */
const ERRNOS: ReadonlyMap<string, number> = new Map([
  ['SCMP_ACT_ERRNO', 4095],
  ['SCMP_ACT_TRACE', 65_535],
])

/** The rules that a section breaks, each as its field and what is wrong. */
export function brokenSeccompRules(section: Seccomp): string[] {
  const { defaultAction, defaultErrnoRet, flags = [], listenerPath, listenerMetadata, syscalls = [] } = section
  const problems = errnoRules('linux.seccomp.defaultErrnoRet', defaultAction, defaultErrnoRet)
  let notifies = defaultAction === 'SCMP_ACT_NOTIFY'
  for (const [index, { action, errnoRet }] of syscalls.entries()) {
    problems.push(...errnoRules(`linux.seccomp.syscalls[${index}].errnoRet`, action, errnoRet))
    notifies ||= action === 'SCMP_ACT_NOTIFY'
  }
  const position = flags.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV')
  if (position !== -1 && !notifies) {
    problems.push(`linux.seccomp.flags[${position}]: ${flags[position]} needs SCMP_ACT_NOTIFY`)
  }
  if (notifies && !listenerPath) {
    problems.push('linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs the socket that gets the notifications')
  }
  if (listenerMetadata && !listenerPath) {
    problems.push('linux.seccomp.listenerMetadata: must not be set without listenerPath')
  }
  return problems
}

function errnoRules(field: string, action: string, errno: number | undefined): string[] {
  if (errno === undefined) return []
  const highest = ERRNOS.get(action)
  if (highest === undefined) return [`${field}: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno`]
  return errno > highest ? [`${field}: ${errno} is more than ${highest}`] : []
}
