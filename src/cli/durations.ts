/** Times as Go programs write them. */
import { usageError } from './usage.js'

const milliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** `5s`, `1m30s`, `0.5s`, in milliseconds: as Go's time.ParseDuration has it, and above 0. */
export function parseDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw usageError(`invalid time "${text}" for ${option}: expected one such as 5s or 1m30s`)
  }
  const total = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (milliseconds[unit] ?? 0), 0)
  if (total < 1) throw usageError(`${option}: the time must be greater than 0`)
  return Math.round(total)
}
