/** `linux.seccomp` as the engine gets it. */
import type { Seccomp } from '../spec/spec.js'

/** The section as JSON: what we know of it, with long numbers as strings. Absent without a section. */
export function planSeccomp(section: Seccomp | undefined): string | undefined {
  if (section === undefined) return undefined
  return JSON.stringify({
    ...section,
    syscalls: section.syscalls?.map((rule) => ({
      ...rule,
      args: rule.args?.map(({ index, op, value, valueTwo = 0 }) => ({
        index,
        op,
        value: String(value),
        valueTwo: String(valueTwo),
      })),
    })),
  })
}
