/** How a container's program ended and what it wrote, and the errors that carry it. */
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import { type ErrorCode, GantryError } from '../errors.js'
import type { Stats } from '../stats/summary.js'
import type { Kept } from './collect.js'

export interface Result<T extends string | Buffer = string> {
  /** 0…255; null when a signal ended it. */
  readonly exitCode: number | null
  /** `SIGKILL`, `SIGSEGV`, `SIGRTMIN+1`; null when it exited. */
  readonly signal: string | null
  /** What was kept; empty for a stream that is no `buffer`. */
  readonly stdout: T
  readonly stderr: T
  /** Whether more was written to a stream than was kept. */
  readonly truncated: { readonly stdout: boolean; readonly stderr: boolean }
  /** Whether `timeout` ended it. */
  readonly timedOut: boolean
  /** From the beginning of the call, or of `start`, to the end of the program. */
  readonly durationMs: number
  /** Whether it exited with 0 by itself. */
  readonly ok: boolean
  /** Whether a process of the container was killed for want of memory. */
  readonly oomKilled: boolean
  /** What all processes of the container used; null where there is no cgroup to count it, or where it went with a `destroy`. */
  readonly usage: Stats | null
}

/**
 * The program ran, and did not end as was asked for: ERR_TIMEOUT, ERR_ABORTED (whose `cause` is the signal's reason), ERR_EXIT.
 * Nothing of its container is left.
 */
export class RunError extends GantryError {
  /** What there was up to the end. */
  readonly result: Result<string | Buffer>

  constructor(code: ErrorCode, message: string, result: Result<string | Buffer>, cause?: unknown) {
    super(code, message, { cause })
    this.result = result
  }
}

/** How the streams come: `utf8`, where what is no UTF-8 becomes U+FFFD, or as they are. */
export type Encoding = 'utf8' | 'buffer'

/** Turns what was kept of a stream into what the result has. */
export type Decode<T> = (kept: Kept) => T

export const asBuffer: Decode<Buffer> = ({ bytes }) => bytes

/** A character that the limit cut in two is left out. */
export const asText: Decode<string> = ({ bytes, truncated }) =>
  truncated ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8')

export function makeResult<T extends string | Buffer>(
  { exitCode = null, signal }: { readonly exitCode?: number | null; readonly signal?: number },
  streams: { readonly stdout: Kept; readonly stderr: Kept },
  decode: Decode<T>,
  {
    durationMs,
    timedOut = false,
    usage,
  }: { readonly durationMs: number; readonly timedOut?: boolean; readonly usage?: Stats | undefined },
): Result<T> {
  const { stdout, stderr } = streams
  return {
    exitCode,
    signal: signal === undefined ? null : signalName(signal),
    stdout: decode(stdout),
    stderr: decode(stderr),
    truncated: { stdout: stdout.truncated, stderr: stderr.truncated },
    timedOut,
    durationMs,
    ok: exitCode === 0 && !timedOut,
    oomKilled: (usage?.oomKills ?? 0) > 0,
    usage: usage ?? null,
  }
}

/** `exited with 3`, `was killed by SIGKILL`. */
export function describeEnd({ exitCode, signal }: Pick<Result, 'exitCode' | 'signal'>): string {
  return signal === null ? `exited with ${exitCode}` : `was killed by ${signal}`
}

/** What the C library leaves of the real-time signals to programs starts there: signal(7). */
const firstRealTime = 34

function signalName(number: number): string {
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
  return name ?? `SIGRTMIN+${number - firstRealTime}`
}
