/**
 * The standard streams of a process in a container: which descriptors it gets, and our ends of those that lead to us.
 *
 * Descriptors go through as they are. Only what is to be kept or given in memory, or what is a stream of JavaScript, passes through
 * this process, over pipes that the event loop serves; who reads or writes slowly at one end makes the other end wait.
 */
import { Buffer } from 'node:buffer'
import { Socket } from 'node:net'
import { type Duplex, Readable, type Writable } from 'node:stream'
import { isUint8Array } from 'node:util/types'
import { GantryError } from '../errors.js'
import { closeDescriptor, makeBlocking, openPipe } from '../host/node.js'
import { checkNumber, checkOneOf, describe, invalidArgument } from './arguments.js'
import { Keeper, type Kept, type Line, Lines, nothingKept, type Sink, sinkTo } from './collect.js'
import { closeSocket, Outlet } from './outlet.js'
import { Terminal, type TerminalOptions } from './terminal.js'

/**
 * `ignore`: /dev/null. `inherit`: the same as this process's. `pipe`: the {@link Proc}'s `stdin`. A number: that descriptor of this
 * process, which stays yours.
 */
export type Input = 'ignore' | 'inherit' | 'pipe' | number

/**
 * `ignore`, `inherit` and a number as in {@link Input}. `buffer` keeps it for the result. `pipe`: the {@link Proc}'s `stdout` or
 * `stderr`. A stream gets it and stays open.
 */
export type Output = 'ignore' | 'inherit' | 'buffer' | 'pipe' | number | Writable | WritableStream<Uint8Array>

export interface StdioOptions extends TerminalOptions {
  /** `ignore` by default. */
  readonly stdin?: Input
  /** What standard input consists of, in place of `stdin`. A stream is read as the program reads. */
  readonly input?: string | Uint8Array | Readable | ReadableStream<Uint8Array>
  /** `buffer` by default. */
  readonly stdout?: Output
  /** `buffer` by default. */
  readonly stderr?: Output
  /** How many bytes are kept of a stream that is a `buffer`: 16 MiB by default. */
  readonly maxOutput?: number
  /**
   * What happens when there is more. `truncate`, the default: it is read and dropped, the program goes on, and the result's
   * `truncated` says so. `kill`: as by a timeout, with ERR_OUTPUT.
   */
  readonly onOverflow?: 'truncate' | 'kill'
  /**
   * Descriptors of this process that become 3, 4, … in the program, as they are: files, sockets, directories. They stay yours, and have to
   * be open until the program has started. What a directory leads to, the program can reach.
   */
  readonly fds?: readonly number[]
}

export const stdioNames = ['stdin', 'input', 'stdout', 'stderr', 'maxOutput', 'onOverflow', 'fds', 'tty'] as const

const defaultMaxOutput = 16 << 20

/** A usual limit of open files would not allow many more. */
const mostFds = 512

type Name = 'stdout' | 'stderr'

/** What was kept of the streams, and what went wrong with one that was given. */
export interface Drained {
  readonly stdout: Kept
  readonly stderr: Kept
  readonly failure?: { readonly code: 'ERR_INPUT' | 'ERR_OUTPUT'; readonly message: string; readonly cause: unknown }
}

export class Stdio {
  /** What becomes 0, 1 and 2 in the container. */
  readonly descriptors: readonly [number, number, number]
  /** What becomes 3, 4, …. */
  readonly fds: readonly number[]
  readonly stdin: Writable | null = null
  readonly stdout: Readable | null = null
  readonly stderr: Readable | null = null
  readonly terminal: Terminal | undefined
  readonly #pipes: Pipes
  readonly #input: Feed | undefined
  readonly #sinks: Sink[] = []
  readonly #outlets = new Map<Name, { readonly outlet: Outlet; readonly keeper?: Keeper }>()
  #lines: Lines | undefined

  /** `onOverflow` is called once more was written than is to be kept. */
  constructor(options: StdioOptions, onOverflow: () => void = () => undefined) {
    checkStdio(options)
    this.fds = [...(options.fds ?? [])]
    const { stdin = 'ignore', input, stdout = 'buffer', stderr = 'buffer', maxOutput = defaultMaxOutput, tty } = options
    if (tty) {
      this.terminal = new Terminal(tty)
      this.#pipes = noPipes
      this.descriptors = [-1, -1, -1]
      return
    }
    // All that may fail because of what was passed comes before there is anything to be closed.
    const source = sourceOf(input)
    const sinks = { stdout: sinkOf(stdout), stderr: sinkOf(stderr) }
    this.#pipes = openPipes([input !== undefined || stdin === 'pipe', isRead(stdout), isRead(stderr)])
    const [inputPipe, outputPipe, errorPipe] = this.#pipes.ends
    if (inputPipe) {
      const socket = writeEnd(inputPipe[1])
      if (source === undefined) this.stdin = socket
      this.#input = new Feed(socket, source)
    }
    const read = (name: Name, descriptor: number, output: Output): Readable | null => {
      if (output === 'pipe') return new Socket({ fd: descriptor, readable: true, writable: false })
      const outlet = new Outlet(descriptor)
      if (output === 'buffer') {
        const keeper = new Keeper(maxOutput, options.onOverflow === 'kill' ? onOverflow : undefined)
        outlet.tell(keeper.take, false)
        this.#outlets.set(name, { outlet, keeper })
      } else {
        const sink = sinks[name]
        if (sink !== undefined) {
          outlet.tell(sink.take, true)
          this.#sinks.push(sink)
        }
        this.#outlets.set(name, { outlet })
      }
      return null
    }
    if (outputPipe) this.stdout = read('stdout', outputPipe[0], stdout)
    if (errorPipe) this.stderr = read('stderr', errorPipe[0], stderr)
    this.descriptors = [
      inputPipe ? inputPipe[0] : numberOf(stdin, 0),
      outputPipe ? outputPipe[1] : numberOf(stdout, 1),
      errorPipe ? errorPipe[1] : numberOf(stderr, 2),
    ]
  }

  get pty(): Duplex | null {
    return this.terminal?.stream ?? null
  }

  /** Once the container has its ends, ours alone are kept: or no pipe would ever end. */
  handOver(): void {
    this.#pipes.closeTheirs()
    for (const { outlet } of this.#outlets.values()) outlet.begin()
  }

  /** The lines of the streams that are kept. */
  lines(): AsyncGenerator<Line, void, undefined> {
    const lines = new Lines()
    this.#lines = lines
    for (const [name, { outlet, keeper }] of this.#outlets) {
      const take = lines.taker(name)
      keeper?.repeat(take)
      outlet.tell(take, true)
    }
    return lines.read()
  }

  /**
   * Reads what was written up to now and gives it, with all that came before. In a hurry, streams that it is handed on to are not
   * waited for; else `failure` says what went wrong with one.
   */
  async drain(hurry: boolean): Promise<Drained> {
    await Promise.all([...this.#outlets.values()].map(({ outlet }) => outlet.drain()))
    this.#lines?.end()
    const kept = (name: Name) => {
      const { outlet, keeper } = this.#outlets.get(name) ?? {}
      return outlet && keeper ? keeper.kept(outlet.cut) : nothingKept
    }
    return { stdout: kept('stdout'), stderr: kept('stderr'), failure: hurry ? undefined : await this.#finish() }
  }

  async #finish(): Promise<Drained['failure']> {
    try {
      for (const sink of this.#sinks) await sink.done()
    } catch (cause) {
      return { code: 'ERR_OUTPUT', message: `output could not be written to a stream: ${textOf(cause)}`, cause }
    }
    const cause = this.#input?.failure
    if (cause === undefined) return undefined
    return { code: 'ERR_INPUT', message: `the input could not be read: ${textOf(cause)}`, cause }
  }

  /** Closes all of ours. What is a `pipe` is left to whoever reads it; what nobody reads by now is dropped. */
  async close(): Promise<void> {
    this.#pipes.closeTheirs()
    this.#lines?.end()
    for (const sink of this.#sinks) sink.release()
    for (const stream of [this.stdout, this.stderr, this.pty]) if (stream?.readableFlowing === null) stream.resume()
    await Promise.all([
      ...[...this.#outlets.values()].map(({ outlet }) => outlet.close()),
      this.#input?.close(),
      this.terminal?.close(),
    ])
  }

  /** Those too that somebody else may be reading. */
  destroy(): void {
    for (const stream of [this.stdin, this.stdout, this.stderr, this.pty]) stream?.destroy()
  }
}

function checkStdio({ stdin, input, stdout, stderr, maxOutput, onOverflow, fds, tty }: StdioOptions): void {
  if (fds !== undefined && !(Array.isArray(fds) && fds.length <= mostFds && fds.every(isDescriptor))) {
    throw invalidArgument(`fds: expected a list of at most ${mostFds} numbers of descriptors`)
  }
  checkStream('stdin', stdin, ['ignore', 'inherit', 'pipe'])
  checkStream('stdout', stdout, ['ignore', 'inherit', 'pipe', 'buffer'])
  checkStream('stderr', stderr, ['ignore', 'inherit', 'pipe', 'buffer'])
  checkNumber('maxOutput', maxOutput, 0, Number.MAX_SAFE_INTEGER)
  checkOneOf('onOverflow', onOverflow, ['truncate', 'kill'])
  if (tty && [stdin, input, stdout, stderr].some((stream) => stream !== undefined)) {
    throw invalidArgument('tty excludes stdin, input, stdout and stderr: all of them are the terminal')
  }
  if (input === undefined) return
  if (stdin !== undefined) throw invalidArgument('stdin and input exclude each other')
  if (typeof input === 'string' || isUint8Array(input) || isReadable(input)) return
  throw invalidArgument('input: expected a string, bytes or a stream')
}

function checkStream(name: string, value: Output | undefined, words: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return
  if (isDescriptor(value)) return
  if (typeof value === 'object' && name !== 'stdin' && isWritable(value)) return
  const streams = name === 'stdin' ? '' : ', a stream'
  throw invalidArgument(
    `${name}: expected ${words.join(', ')}${streams} or the number of a descriptor, found ${textOf(value)}`,
  )
}

function isDescriptor(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31
}

/** Bytes are the caller's to change afterwards. */
function sourceOf(input: StdioOptions['input']): Buffer | Readable | undefined {
  if (input === undefined) return undefined
  if (typeof input === 'string' || isUint8Array(input)) return Buffer.from(input)
  return 'getReader' in input ? Readable.from(input) : input
}

function sinkOf(output: Output): Sink | undefined {
  return typeof output === 'object' ? sinkTo(output) : undefined
}

/** By what they can do: there are several classes of each, and copies of them in other realms. */
export function isReadable(value: unknown): value is Readable | ReadableStream<Uint8Array> {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('getReader' in value || ('pipe' in value && typeof value.pipe === 'function'))
  )
}

function isWritable(value: unknown): value is Writable | WritableStream<Uint8Array> {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('getWriter' in value || ('write' in value && typeof value.write === 'function'))
  )
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message
  return describe(value)
}

/** Whether it comes to us. */
function isRead(output: Output): boolean {
  return typeof output === 'object' || output === 'buffer' || output === 'pipe'
}

function numberOf(stream: Output, own: number): number {
  const number = stream === 'inherit' ? own : stream
  if (typeof number !== 'number') return -1
  makeBlocking(number)
  return number
}

interface Pipes {
  /** For standard input, output and error, where there is a pipe: the end to read from, the end to write to. */
  readonly ends: readonly (readonly [read: number, write: number] | undefined)[]
  /** Closes the container's ends; a second time there is nothing to do. */
  closeTheirs(): void
}

const noPipes: Pipes = { ends: [], closeTheirs: () => undefined }

function openPipes(wanted: readonly boolean[]): Pipes {
  const opened: (readonly [number, number])[] = []
  const open = () => {
    const pipe = openPipe()
    opened.push(pipe)
    return pipe
  }
  try {
    const ends = wanted.map((one) => (one ? open() : undefined))
    let theirs = ends.flatMap((pipe, stream) => (pipe === undefined ? [] : [stream === 0 ? pipe[0] : pipe[1]]))
    return {
      ends,
      closeTheirs() {
        const open = theirs
        theirs = []
        for (const descriptor of open) closeDescriptor(descriptor)
      },
    }
  } catch (cause) {
    for (const descriptor of opened.flat()) closeDescriptor(descriptor)
    throw new GantryError('ERR_START', `cannot make a pipe: ${textOf(cause)}`, { step: 'make a pipe', cause })
  }
}

function writeEnd(descriptor: number): Socket {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true })
  // That the program does not read it is no error.
  socket.on('error', () => undefined)
  return socket
}

/** Writes all of the input, or lets somebody else write. */
class Feed {
  readonly #socket: Socket
  readonly #source: Readable | undefined
  failure: unknown
  readonly #fail = (error: unknown) => {
    this.failure ??= error
    this.#socket.destroy()
  }

  constructor(socket: Socket, source: Buffer | Readable | undefined) {
    this.#socket = socket
    if (source === undefined) return
    if (isUint8Array(source)) {
      socket.end(source)
      return
    }
    this.#source = source
    try {
      source.on('error', this.#fail)
      if (source.destroyed || source.readableEnded) socket.end()
      else source.pipe(socket)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** A stream of Node stays as it is; one of the web that is not at its end is locked for good. */
  async close(): Promise<void> {
    try {
      this.#source?.unpipe(this.#socket)
      this.#source?.off('error', this.#fail)
    } catch {
      // It was no stream, and that is told already.
    }
    await closeSocket(this.#socket)
  }
}
