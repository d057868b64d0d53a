import type { Duplex, Readable, Writable } from 'node:stream'
import { GantryError } from '../errors.js'
import type { ContainerRef } from '../host/host.js'
import { awaitEnd, forget } from '../host/node.js'
import type { Context } from '../lifecycle/context.js'
import { deleteContainer } from '../lifecycle/delete.js'
import { killContainer } from '../lifecycle/kill.js'
import { pauseContainer, resumeContainer } from '../lifecycle/pause.js'
import { containerPids } from '../lifecycle/ps.js'
import { startContainer } from '../lifecycle/start.js'
import { containerState, type State } from '../lifecycle/state.js'
import { containerStats, usageOf } from '../lifecycle/stats.js'
import { updateContainer } from '../lifecycle/update.js'
import { formatJson } from '../spec/json.js'
import { parseResources } from '../spec/parse.js'
import type { Resources } from '../spec/spec.js'
import type { Stats } from '../stats/summary.js'
import { checkBoolean, reading, readOptions } from './arguments.js'
import type { Child } from './child.js'
import { guarded } from './context.js'
import { type ExecOptions, execIn } from './exec.js'
import { type ContainerFs, Files } from './files.js'
import type { Proc } from './proc.js'
import { asText, type Decode, makeResult, type Result } from './result.js'
import type { Stdio } from './stdio.js'
import { Stop } from './stop.js'
import { type ContainerEvent, type WatchOptions, watch } from './watch.js'

export interface WaitOptions {
  /** Ends the waiting, not the container: the promise rejects with ERR_ABORTED. */
  readonly signal?: AbortSignal
}

export interface KillOptions {
  /** Every process of the container, not only its init. */
  readonly all?: boolean
}

/** A container. Every promise rejects with a GantryError when it does. */
export interface Container<T extends string | Buffer = string> extends AsyncDisposable {
  readonly id: string
  /** The directory of its record. */
  readonly root: string
  /** The host pid of its init, when this object was made; 0 when it had ended. */
  readonly pid: number
  /** Lets a created container run its program; resolves when it does. */
  start(): Promise<void>
  /**
   * Resolves when init has ended and its output is read. Of a container that was opened, only the end can be told:
   * its result has neither exit code nor signal, and no output.
   */
  wait(options?: WaitOptions): Promise<Result<T>>
  /**
   * Sends a signal, SIGTERM by default: a name or a number. To init of a PID namespace only those that it handles get
   * through, and SIGKILL. Rejects with ERR_NOT_RUNNING when init has ended, but not with `all`.
   */
  kill(signal?: string | number, options?: KillOptions): Promise<void>
  /** As the OCI runtime specification has it. */
  state(): Promise<State>
  /** Stops all of its processes where they are; resolves when they stand still. Rejects with ERR_NOT_RUNNING when it has none. */
  pause(): Promise<void>
  /** Lets them go on. Rejects with ERR_NOT_PAUSED when it is not paused. */
  resume(): Promise<void>
  /**
   * Changes its limits: those that are given, as linux.resources of config.json has them. All of them or, when the promise
   * rejects, none.
   */
  update(resources: Resources): Promise<void>
  /** The host pids of its processes, ascending. */
  ps(): Promise<number[]>
  /** What all of its processes use now; of one that has ended, what they used. */
  stats(): Promise<Stats>
  /**
   * What happens to it, from now on until it has no process any more: `oom` when one was killed for want of memory and, with an
   * `interval`, what it uses. Whoever leaves the loop is through within half a second.
   */
  watch(options?: WatchOptions): AsyncIterableIterator<ContainerEvent>
  /** Runs another program in it. */
  exec(argv: readonly string[], options: ExecOptions & { readonly encoding: 'buffer' }): Proc<Buffer>
  exec(argv: readonly string[], options?: ExecOptions & { readonly encoding?: 'utf8' | undefined }): Proc
  exec(argv: readonly string[], options?: ExecOptions): Proc<string | Buffer>
  /** Its files. */
  readonly fs: ContainerFs
  /** With `stdin: 'pipe'`, as of {@link Proc}; null of a container that was opened. */
  readonly stdin: Writable | null
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** Of a container with a terminal. */
  readonly pty: Duplex | null
  /** Gives its terminal another size. */
  resize(columns: number, rows: number): void
  /** Kills whatever is left of the container and removes it; done once, and no error when it is gone already. */
  destroy(): Promise<void>
}

/** What every container can do by its id alone. */
abstract class ContainerById {
  readonly id: string
  readonly root: string
  #destroyed: Promise<void> | undefined

  constructor(
    protected readonly context: Context,
    protected readonly ref: ContainerRef,
    readonly pid: number,
    protected readonly stdio?: Stdio,
  ) {
    this.id = ref.id
    this.root = ref.root
  }

  start(): Promise<void> {
    return guarded(() => startContainer(this.context, this.ref))
  }

  kill(signal: string | number = 'SIGTERM', options: KillOptions = {}): Promise<void> {
    return guarded(async () => {
      const { all = false } = readOptions(options, ['all'])
      checkBoolean('all', all)
      await killContainer(this.context.host, this.ref, String(signal), all)
    })
  }

  state(): Promise<State> {
    return guarded(() => containerState(this.context.host, this.ref))
  }

  pause(): Promise<void> {
    return guarded(() => pauseContainer(this.context.host, this.ref))
  }

  resume(): Promise<void> {
    return guarded(() => resumeContainer(this.context.host, this.ref))
  }

  update(resources: Resources): Promise<void> {
    return guarded(async () => {
      const text = reading('resources', () => formatJson(resources))
      const checked = parseResources('resources', text ?? 'null')
      await updateContainer(this.context, this.ref, checked)
    })
  }

  ps(): Promise<number[]> {
    return guarded(async () => [...(await containerPids(this.context.host, this.ref))])
  }

  exec(argv: readonly string[], options: ExecOptions & { readonly encoding: 'buffer' }): Proc<Buffer>
  exec(argv: readonly string[], options?: ExecOptions & { readonly encoding?: 'utf8' | undefined }): Proc
  exec(argv: readonly string[], options?: ExecOptions): Proc<string | Buffer>
  exec(argv: readonly string[], options: ExecOptions = {}): Proc<string | Buffer> {
    return execIn(this.context, this.ref, argv, options)
  }

  get fs(): ContainerFs {
    return new Files(this.ref)
  }

  get stdin(): Writable | null {
    return this.stdio?.stdin ?? null
  }

  get stdout(): Readable | null {
    return this.stdio?.stdout ?? null
  }

  get stderr(): Readable | null {
    return this.stdio?.stderr ?? null
  }

  get pty(): Duplex | null {
    return this.stdio?.pty ?? null
  }

  resize(columns: number, rows: number): void {
    this.stdio?.terminal?.resize(columns, rows)
  }

  stats(): Promise<Stats> {
    return guarded(() => containerStats(this.context.host, this.ref))
  }

  watch(options: WatchOptions = {}): AsyncIterableIterator<ContainerEvent> {
    return watch(this.context.host, this.ref, options)
  }

  destroy(): Promise<void> {
    // Once: the id may be another container's by the second time.
    this.#destroyed ??= guarded(() => this.remove()).catch((error: unknown) => {
      this.#destroyed = undefined
      throw error
    })
    return this.#destroyed
  }

  protected async remove(): Promise<void> {
    await deleteContainer(this.context, this.ref, true)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }
}

/** One whose init is a child of this process. */
export class CreatedContainer<T extends string | Buffer> extends ContainerById implements Container<T> {
  readonly #result: Promise<Result<T>>
  #began = performance.now()

  constructor(child: Child, ref: ContainerRef, pid: number, stdio: Stdio, decode: Decode<T>) {
    super(child.context, ref, pid, stdio)
    this.#result = this.#watch(child, stdio, decode)
    // Whoever waits hears of it.
    this.#result.catch(() => undefined)
  }

  async #watch(child: Child, stdio: Stdio, decode: Decode<T>): Promise<Result<T>> {
    const status = await child.ended
    const durationMs = performance.now() - this.#began
    const usage = await usageOf(this.context.host, this.ref)
    return makeResult(status, await stdio.drain(false), decode, { durationMs, usage })
  }

  override start(): Promise<void> {
    this.#began = performance.now()
    return super.start()
  }

  wait(options: WaitOptions = {}): Promise<Result<T>> {
    return guarded(() => waitFor(() => this.#result, options))
  }

  protected override async remove(): Promise<void> {
    await super.remove()
    await Promise.allSettled([this.#result])
    await this.stdio?.close()
    this.stdio?.destroy()
  }
}

/** One that somebody else created: the kernel tells how a process ended to its parent alone. */
export class OpenedContainer extends ContainerById implements Container {
  wait(options: WaitOptions = {}): Promise<Result> {
    return guarded(() => waitFor((stop) => this.#untilStopped(stop), options))
  }

  async #untilStopped(stop: Stop): Promise<Result> {
    const began = performance.now()
    const { number, begun, ended } = awaitEnd(this.ref)
    await begun
    await Promise.race([ended, stop.requested])
    forget(number)
    const nothing = { bytes: Buffer.alloc(0), truncated: false }
    return makeResult({}, { stdout: nothing, stderr: nothing }, asText, { durationMs: performance.now() - began })
  }
}

async function waitFor<T>(result: (stop: Stop) => Promise<T>, options: WaitOptions): Promise<T> {
  const stop = reading('signal', () => new Stop(readOptions(options, ['signal'])))
  try {
    const first = await Promise.race([stop.requested.then(() => undefined), result(stop).then((value) => ({ value }))])
    if (first !== undefined) return first.value
    throw new GantryError('ERR_ABORTED', 'waiting for the container was aborted', { cause: stop.abortReason })
  } finally {
    stop.release()
  }
}
