/** What becomes of one field of linux.resources. memory.ts, cpu.ts, block-io.ts and resources.ts make these. */
import type { CgroupWrite } from '../host/plan.js'
import type { Integer } from '../spec/spec.js'
import { PlanError } from './error.js'

/** A value of a file, and the field that asks for it. */
export interface Setting extends CgroupWrite {
  /** Below linux.resources: `memory.limit`. */
  readonly field: string
  /** What the value asks for is so without the controller too: no limit. */
  readonly isDefault?: boolean
}

/** A limit that was set. As with runc, 0 is "not set": callers write whole sections of zeros. */
export function given(value: Integer | undefined): value is Integer {
  return value !== undefined && BigInt(value) !== 0n
}

export function isUnlimited(value: Integer | undefined): boolean {
  return value !== undefined && BigInt(value) === -1n
}

export function orMax(limit: Integer): string {
  return limit < 0 ? 'max' : String(limit)
}

/** The error about a value that a version of cgroups has no way to express. */
export function inexpressible(field: string, version: 1 | 2): PlanError {
  return new PlanError('cgroup', `linux.resources.${field}`, `cgroup v${version} has no such control`)
}
