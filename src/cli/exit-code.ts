/** The exit code of a process as a shell tells it. */
import type { ExitStatus } from '../host/host.js'

/** 0 for a program that was not waited for. */
export function exitCodeOf(status: ExitStatus | undefined): number {
  if (status?.signal !== undefined) return 128 + status.signal
  return status?.exitCode ?? 0
}
