/** A process in a container, from its beginning to the end of what it wrote: what `run` and `exec` give. */
import { EventEmitter } from 'node:events'
import type { Duplex, Readable, Writable } from 'node:stream'
import { GantryError } from '../errors.js'
import type { ExitStatus } from '../host/host.js'
import { signalNumber } from '../lifecycle/signals.js'
import type { Stats } from '../stats/summary.js'
import { checkBoolean, checkNumber, checkOneOf, reading, readOptions } from './arguments.js'
import type { Child } from './child.js'
import { type Line, nothingKept } from './collect.js'
import { guarded } from './context.js'
import {
  asBuffer,
  asText,
  type Decode,
  describeEnd,
  type Encoding,
  makeResult,
  type Result,
  RunError,
} from './result.js'
import { type Drained, type Stdio, type StdioOptions, stdioNames } from './stdio.js'
import { Stop, type StopOptions } from './stop.js'
import { inTurn } from './turns.js'

export interface ProcOptions extends StdioOptions, StopOptions {
  /** `utf8` by default. */
  readonly encoding?: Encoding
  /** Reject with ERR_EXIT unless the program exits with 0. */
  readonly check?: boolean
  /**
   * What `timeout` and an aborted `signal` send to the program: SIGKILL by default, to every process. After another one the program
   * has `forceKillAfterDelay` to end by itself.
   */
  readonly killSignal?: string | number
  /** Milliseconds; 5000 by default. */
  readonly forceKillAfterDelay?: number
}

export const procNames = [
  ...stdioNames,
  'timeout',
  'signal',
  'encoding',
  'check',
  'killSignal',
  'forceKillAfterDelay',
] as const satisfies readonly (keyof ProcOptions)[]

interface ProcEvents {
  /** It runs. */
  spawn: []
  /** It has ended; some of what it wrote may yet have to be read. */
  exit: [exitCode: number | null, signal: string | null]
  /** It has ended and all that is kept of it is read. The promise settles now. */
  close: [exitCode: number | null, signal: string | null]
}

/**
 * A process: a promise of its {@link Result}, its streams, and an async iterator over its lines.
 *
 * The promise settles when the process has ended, what it wrote is read, and what had to go with it is gone.
 */
export interface Proc<T extends string | Buffer = string>
  extends Promise<Result<T>>,
    AsyncDisposable,
    EventEmitter<ProcEvents> {
  /** The host pid, once it has started. */
  readonly pid: number | undefined
  /** Resolves when the program runs; rejects like the promise itself when it could not be started. */
  readonly started: Promise<void>
  /** With `stdin: 'pipe'`. */
  readonly stdin: Writable | null
  /** With `stdout: 'pipe'`. It ends when nobody has the other end any more. */
  readonly stdout: Readable | null
  /** With `stderr: 'pipe'`. */
  readonly stderr: Readable | null
  /** With `tty`. It ends after the last byte that was written. */
  readonly pty: Duplex | null
  /** Sends a signal to the process, SIGTERM by default; `false` when it had ended. Before it has started, that is waited for. */
  kill(signal?: string | number): Promise<boolean>
  /** Gives the terminal another size, of which the program hears by SIGWINCH. */
  resize(columns: number, rows: number): void
  /** The lines of the streams that are a `buffer`. At the end it throws what the promise rejects with. */
  [Symbol.asyncIterator](): AsyncGenerator<Line, void, undefined>
  /** Ends it as an aborted `signal` does, and waits for that. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What tells a process of its own container from one in another's. */
export interface Task {
  /** For messages. */
  readonly name: string
  /** What may take long and comes before its turn to start. */
  prepare?(): Promise<void>
  /** Resolves when the program runs. */
  begin(stdio: Stdio): Promise<Begun>
}

export interface Begun {
  readonly pid: number
  readonly child: Child
  /** Sends a signal; `false` when it has ended. */
  kill(signal: number): Promise<boolean>
  /**
   * Takes away what is left of it, by force where it has not ended; resolves when that is gone, with what its container used, for
   * a process that has one of its own.
   */
  end(byForce: boolean): Promise<Stats | undefined>
}

/** What is to be carried out. The streams are made when all options are known to be good. */
export interface Prepared {
  readonly task: Task
  readonly stdio: (onOverflow: () => void) => Stdio
}

/** Reads the options of a call and carries out what `prepare` makes of them. */
export function startProc<O extends ProcOptions>(
  given: O,
  names: readonly (keyof O & string)[],
  prepare: (options: Partial<O>) => Prepared,
): Proc<string | Buffer> {
  try {
    const options = readOptions(given, names)
    return options.encoding === 'buffer'
      ? new Running(options, asBuffer, () => prepare(options))
      : new Running<string | Buffer>(options, asText, () => prepare(options))
  } catch (error) {
    return new Running<string | Buffer>({}, asText, () => {
      throw error
    })
  }
}

/** Checks what {@link Running} uses itself. */
function checkProc({ encoding, check, killSignal, forceKillAfterDelay }: ProcOptions): void {
  checkOneOf('encoding', encoding, ['utf8', 'buffer'])
  checkBoolean('check', check)
  checkNumber('forceKillAfterDelay', forceKillAfterDelay, 0, 2 ** 31 - 1)
  if (killSignal !== undefined) signalNumber(String(killSignal))
}

const sigkill = 9

class Running<T extends string | Buffer> extends EventEmitter<ProcEvents> implements Proc<T> {
  readonly [Symbol.toStringTag] = 'Proc'
  readonly started: Promise<void>
  readonly #options: ProcOptions
  readonly #decode: Decode<T>
  readonly #result: Promise<Result<T>>
  readonly #began = performance.now()
  #stdio: Stdio | undefined
  #stop: Stop | undefined
  #begun: Begun | undefined
  #markStarted: () => void = () => undefined

  constructor(options: ProcOptions, decode: Decode<T>, prepare: () => Prepared) {
    super()
    this.#options = options
    this.#decode = decode
    const running = new Promise<void>((resolve) => {
      this.#markStarted = resolve
    })
    // What fails is seen at once by those who look at the streams, and by all others in the promise.
    let prepared: (() => Promise<Result<T>>) | undefined
    let failure: unknown
    try {
      reading('options', () => checkProc(options))
      const { task, stdio } = reading('an argument', prepare)
      const stop = reading('signal', () => new Stop(options))
      this.#stop = stop
      try {
        this.#stdio = reading('a stream', () => stdio(() => stop.request('overflow')))
      } catch (error) {
        stop.release()
        throw error
      }
      prepared = this.#carryOut.bind(this, task, this.#stdio, stop)
    } catch (error) {
      failure = error
    }
    const carryOut = prepared
    this.#result = guarded(carryOut ?? (() => Promise.reject(failure)))
    this.started = Promise.race([running, this.#result.then(() => undefined)])
    // Of a failure the promise itself tells.
    this.started.catch(() => undefined)
  }

  get pid(): number | undefined {
    return this.#begun?.pid
  }

  get stdin(): Writable | null {
    return this.#stdio?.stdin ?? null
  }

  get stdout(): Readable | null {
    return this.#stdio?.stdout ?? null
  }

  get stderr(): Readable | null {
    return this.#stdio?.stderr ?? null
  }

  get pty(): Duplex | null {
    return this.#stdio?.pty ?? null
  }

  kill(signal: string | number = 'SIGTERM'): Promise<boolean> {
    return guarded(async () => {
      const number = signalNumber(String(signal))
      // What it writes may be here before the news that it runs.
      await this.started.catch(() => undefined)
      return (await this.#begun?.kill(number)) ?? false
    })
  }

  resize(columns: number, rows: number): void {
    this.#stdio?.terminal?.resize(columns, rows)
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise.
  then<A = Result<T>, B = never>(
    onResult?: ((value: Result<T>) => A | PromiseLike<A>) | null,
    onFailure?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onResult, onFailure)
  }

  catch<B = never>(onFailure?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Result<T> | B> {
    return this.#result.catch(onFailure)
  }

  finally(onEnd?: (() => void) | null): Promise<Result<T>> {
    return this.#result.finally(onEnd)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Line, void, undefined> {
    if (this.#stdio !== undefined) yield* this.#stdio.lines()
    await this.#result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.request('abort')
    await this.#result.catch(() => undefined)
    this.#stdio?.destroy()
  }

  async #carryOut(task: Task, stdio: Stdio, stop: Stop): Promise<Result<T>> {
    try {
      await task.prepare?.()
      const begun = await inTurn(async () => {
        if (stop.reason !== undefined) throw this.#stopped(task, stop, neverRan)
        return await task.begin(stdio)
      })
      this.#begun = begun
      this.#markStarted()
      this.emit('spawn')
      const { status, usage } = await this.#untilGone(begun, stdio, stop)
      const duration = performance.now() - this.#began
      this.#tell('exit', status)
      const drained = await stdio.drain(stop.reason !== undefined)
      this.#tell('close', status)
      return this.#judge(task, stop, { status, drained, duration, usage })
    } finally {
      stop.release()
      await stdio.close()
    }
  }

  /** Waits for the end of the program or of our patience, and then for that of all that goes with it. */
  async #untilGone(begun: Begun, stdio: Stdio, stop: Stop): Promise<Pick<Run, 'status' | 'usage'>> {
    const { ended } = begun.child
    let byForce = true
    let usage: Stats | undefined
    try {
      stdio.handOver()
      await Promise.race([ended, stop.requested])
      if (stop.reason !== undefined) await this.#askToEnd(begun, ended)
      else byForce = false
    } finally {
      usage = await begun.end(byForce)
    }
    return { status: await ended, usage }
  }

  async #askToEnd({ kill }: Begun, ended: Promise<ExitStatus>): Promise<void> {
    const { killSignal = 'SIGKILL', forceKillAfterDelay = 5000 } = this.#options
    const number = signalNumber(String(killSignal))
    if (number === sigkill || !(await kill(number))) return
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, forceKillAfterDelay)
    })
    await Promise.race([ended, patience])
    clearTimeout(timer)
  }

  #judge(task: Task, stop: Stop, run: Run): Result<T> {
    const result = this.#resultOf(run, stop)
    if (stop.reason !== undefined) throw this.#stopped(task, stop, run)
    const { failure } = run.drained
    if (failure !== undefined) throw new RunError(failure.code, failure.message, result, failure.cause)
    if (this.#options.check && !result.ok) {
      throw new RunError('ERR_EXIT', `${task.name} ${describeEnd(result)}`, result)
    }
    return result
  }

  #resultOf({ status, drained, duration, usage }: Run, stop: Stop): Result<T> {
    return makeResult(status, drained, this.#decode, {
      durationMs: duration ?? performance.now() - this.#began,
      timedOut: stop.reason === 'timeout',
      usage,
    })
  }

  #stopped({ name }: Task, stop: Stop, run: Run): RunError {
    const result = this.#resultOf(run, stop)
    if (stop.reason === 'timeout') return new RunError('ERR_TIMEOUT', `${name} did not end in time`, result)
    if (stop.reason === 'overflow') return new RunError('ERR_OUTPUT', `${name} wrote more than maxOutput`, result)
    return new RunError('ERR_ABORTED', `${name} was aborted`, result, stop.abortReason)
  }

  #tell(event: 'exit' | 'close', status: ExitStatus): void {
    const { exitCode, signal } = makeResult(status, { stdout: nothingKept, stderr: nothingKept }, asText, {
      durationMs: 0,
    })
    this.emit(event, exitCode, signal)
  }
}

/** What there is to say of a process when it is over. */
interface Run {
  readonly status: ExitStatus
  readonly drained: Drained
  readonly duration?: number
  readonly usage?: Stats | undefined
}

const neverRan: Run = { status: {}, drained: { stdout: nothingKept, stderr: nothingKept } }

/** Whether a failure says that a container or process is not there any more. */
export function isGone(error: unknown): boolean {
  return error instanceof GantryError && (error.code === 'ERR_NOT_RUNNING' || error.code === 'ERR_NOT_FOUND')
}
