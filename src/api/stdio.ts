/**
 * The standard streams of a container: which descriptors it gets, and our ends of the pipes among them.
 *
 * Descriptors go through as they are. Only what is to be kept or given in memory passes through this process, over pipes that
 * the event loop serves.
 */
import { once } from 'node:events'
import { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isUint8Array } from 'node:util/types'
import { GantryError } from '../errors.js'
import type { Host } from '../host/host.js'
import { openPipe } from '../host/node.js'
import { checkNumber, invalidArgument } from './arguments.js'

/** `ignore`: /dev/null. `inherit`: the same as this process's. A number: that descriptor of this process, which stays yours. */
export type Input = 'ignore' | 'inherit' | number

/** As {@link Input}; `buffer` keeps it for the result. */
export type Output = 'ignore' | 'inherit' | 'buffer' | number

export interface StdioOptions {
  /** `ignore` by default. */
  readonly stdin?: Input
  /** What standard input consists of, in place of `stdin`. */
  readonly input?: string | Uint8Array
  /** `buffer` by default. */
  readonly stdout?: Output
  /** `buffer` by default. */
  readonly stderr?: Output
  /**
   * How many bytes are kept of a stream that is a `buffer`: 16 MiB by default. What comes after is read and dropped, the
   * program goes on, and the result's `truncated` says so.
   */
  readonly maxOutput?: number
}

export const stdioNames = ['stdin', 'input', 'stdout', 'stderr', 'maxOutput'] as const

const defaultMaxOutput = 16 << 20

/** What was kept of a stream. */
export interface Kept {
  readonly bytes: Buffer
  readonly truncated: boolean
}

export class Stdio {
  readonly #pipes: Pipes
  readonly #input: Socket | undefined
  readonly #stdout: Collector | undefined
  readonly #stderr: Collector | undefined
  /** What becomes 0, 1 and 2 in the container. */
  readonly descriptors: readonly [number, number, number]

  constructor(host: Host, options: StdioOptions) {
    checkStdio(options)
    const { stdin = 'ignore', input, stdout = 'buffer', stderr = 'buffer', maxOutput = defaultMaxOutput } = options
    this.#pipes = openPipes(host, [input !== undefined, stdout === 'buffer', stderr === 'buffer'])
    const [inputPipe, outputPipe, errorPipe] = this.#pipes.ends
    if (inputPipe) this.#input = feed(inputPipe[1], input ?? '')
    if (outputPipe) this.#stdout = new Collector(outputPipe[0], maxOutput)
    if (errorPipe) this.#stderr = new Collector(errorPipe[0], maxOutput)
    this.descriptors = [
      inputPipe ? inputPipe[0] : numberOf(stdin, 0),
      outputPipe ? outputPipe[1] : numberOf(stdout, 1),
      errorPipe ? errorPipe[1] : numberOf(stderr, 2),
    ]
  }

  /** Once the container has its ends, ours alone are kept: or no pipe would ever end. */
  async handOver(): Promise<void> {
    await this.#pipes.closeTheirs()
  }

  /** Reads what was written up to now and gives it, with all that came before. */
  async drain(): Promise<{ readonly stdout: Kept; readonly stderr: Kept }> {
    await Promise.all([this.#stdout?.drain(), this.#stderr?.drain()])
    return { stdout: this.#stdout?.kept() ?? nothing, stderr: this.#stderr?.kept() ?? nothing }
  }

  /** Closes all of ours. */
  async close(): Promise<void> {
    await this.handOver()
    await Promise.all([this.#stdout?.close(), this.#stderr?.close(), this.#input && closeSocket(this.#input)])
  }
}

const nothing: Kept = { bytes: Buffer.alloc(0), truncated: false }

function checkStdio({ stdin, input, stdout, stderr, maxOutput }: StdioOptions): void {
  checkStream('stdin', stdin, ['ignore', 'inherit'])
  checkStream('stdout', stdout, ['ignore', 'inherit', 'buffer'])
  checkStream('stderr', stderr, ['ignore', 'inherit', 'buffer'])
  checkNumber('maxOutput', maxOutput, 0, Number.MAX_SAFE_INTEGER)
  if (input === undefined) return
  if (stdin !== undefined) throw invalidArgument('stdin and input exclude each other')
  if (typeof input !== 'string' && !isUint8Array(input)) {
    throw invalidArgument('input: expected a string or bytes')
  }
}

function checkStream(name: string, value: string | number | undefined, words: readonly string[]): void {
  if (value === undefined || (typeof value === 'string' && words.includes(value))) return
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return
  throw invalidArgument(`${name}: expected ${words.join(', ')} or the number of a descriptor, found ${String(value)}`)
}

function numberOf(stream: Output, own: number): number {
  if (typeof stream === 'number') return stream
  return stream === 'inherit' ? own : -1
}

interface Pipes {
  /** For standard input, output and error, where there is a pipe: the end to read from, the end to write to. */
  readonly ends: readonly (readonly [read: number, write: number] | undefined)[]
  /** Closes the container's ends; a second time there is nothing to do. */
  closeTheirs(): Promise<void>
}

function openPipes(host: Host, wanted: readonly boolean[]): Pipes {
  const opened: (readonly [number, number])[] = []
  const close = (numbers: readonly number[]) => Promise.all(numbers.map((number) => host.close(number)))
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
      async closeTheirs() {
        const open = theirs
        theirs = []
        await close(open)
      },
    }
  } catch (cause) {
    close(opened.flat()).catch(() => undefined)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GantryError('ERR_START', `cannot make a pipe: ${reason}`, { step: 'make a pipe', cause })
  }
}

/** Writes all of the input. That the program does not read it is no error. */
function feed(descriptor: number, input: string | Uint8Array): Socket {
  const socket = new Socket({ fd: descriptor, readable: false, writable: true })
  socket.on('error', () => undefined)
  socket.end(input)
  return socket
}

/** So many turns of the event loop empty a pipe of 1 MiB, the largest for a user, at 64 KiB a turn, twice over. */
const enoughTurns = 32

/** Keeps what comes out of a pipe, up to a limit. */
class Collector {
  readonly #socket: Socket
  readonly #limit: number
  readonly #chunks: Buffer[] = []
  #received = 0
  #kept = 0
  #cut = false

  constructor(descriptor: number, limit: number) {
    this.#limit = limit
    this.#socket = new Socket({ fd: descriptor, readable: true, writable: false })
    this.#socket.on('data', (chunk) => this.#take(chunk))
    // It is closed then, and what came before is kept.
    this.#socket.on('error', () => undefined)
  }

  #take(chunk: Buffer): void {
    const taken = chunk.subarray(0, this.#limit - this.#kept)
    this.#received += chunk.length
    this.#kept += taken.length
    if (taken.length > 0) this.#chunks.push(taken)
    if (taken.length < chunk.length) this.#cut = true
  }

  /**
   * Reads until nothing more is there. The end of the pipe is not waited for: somebody outside whom the container passed its
   * end on to (unix(7), SCM_RIGHTS) could keep it open for ever. What was written before the call is in the pipe, and each
   * turn of the event loop reads from it.
   */
  async drain(): Promise<void> {
    for (let turn = 0, quiet = 0; quiet < 2 && !this.#socket.readableEnded && !this.#socket.destroyed; turn++) {
      if (turn === enoughTurns) {
        this.#cut = true
        return
      }
      const before = this.#received
      await nextTurn()
      quiet = this.#received === before ? quiet + 1 : 0
    }
  }

  kept(): Kept {
    return { bytes: Buffer.concat(this.#chunks), truncated: this.#cut }
  }

  async close(): Promise<void> {
    await closeSocket(this.#socket)
  }
}

/** Resolves when the descriptor is closed. */
async function closeSocket(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}
