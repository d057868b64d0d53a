/** What may end a call before its time: a limit, and an AbortSignal. */
import { checkNumber, invalidArgument } from './arguments.js'

export interface StopOptions {
  /** Milliseconds; without it, or with 0, there is no limit. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

/** Why a call ends before its time. */
export type Reason = 'timeout' | 'abort' | 'overflow'

/** The longest time that setTimeout takes. */
const longest = 2 ** 31 - 1

export class Stop {
  /** Resolves when there is a reason. */
  readonly requested: Promise<void>
  readonly #signal: AbortSignal | undefined
  readonly #request: () => void
  #timer: NodeJS.Timeout | undefined
  #reason: Reason | undefined

  constructor({ timeout, signal }: StopOptions) {
    checkNumber('timeout', timeout, 0, longest)
    // Not by its class: one from another realm (node:vm) is good too.
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      throw invalidArgument('signal: expected an AbortSignal')
    }
    let request = () => {}
    this.requested = new Promise((resolve) => {
      request = resolve
    })
    this.#request = request
    this.#signal = signal
    if (signal?.aborted) this.#abort()
    else signal?.addEventListener('abort', this.#abort)
    if (timeout) this.#timer = setTimeout(() => this.request('timeout'), timeout)
  }

  /** Why; the first reason counts. */
  get reason(): Reason | undefined {
    return this.#reason
  }

  /** What the AbortSignal's owner gave as the reason. */
  get abortReason(): unknown {
    return this.#signal?.reason
  }

  readonly #abort = () => this.request('abort')

  /** Ends the call. */
  request(reason: Reason): void {
    this.#reason ??= reason
    this.#request()
  }

  /** Lets go of the timer and of the signal. */
  release(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}
