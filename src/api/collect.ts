/** What a program writes to a pipe of ours, and what becomes of it: kept, handed on to a stream, read line by line. */
import type { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Take } from './outlet.js'

/** What was kept of a stream. */
export interface Kept {
  readonly bytes: Buffer
  readonly truncated: boolean
}

export const nothingKept: Kept = { bytes: Buffer.alloc(0), truncated: false }

/** Keeps what comes, up to a limit. */
export class Keeper {
  readonly #chunks: Buffer[] = []
  #size = 0
  #cut = false

  constructor(
    private readonly limit: number,
    /** Ends the program: nothing more is read of it then until it is gone. */
    private readonly onOverflow: (() => void) | undefined,
  ) {}

  readonly take: Take = (chunk) => {
    const taken = chunk.subarray(0, this.limit - this.#size)
    this.#size += taken.length
    if (taken.length > 0) this.#chunks.push(taken)
    if (taken.length < chunk.length && !this.#cut) {
      this.#cut = true
      this.onOverflow?.()
    }
    return this.#cut && this.onOverflow ? new Promise(() => undefined) : undefined
  }

  /** Gives somebody else what there is so far. */
  repeat(take: Take): void {
    for (const chunk of this.#chunks) take(chunk)
  }

  kept(cut: boolean): Kept {
    return { bytes: Buffer.concat(this.#chunks), truncated: this.#cut || cut }
  }
}

/** Where output goes that is handed on. It stays open. */
export interface Sink {
  readonly take: Take
  /** Resolves when all is written that was taken; rejects when that failed. */
  done(): Promise<void>
  /** Lets go of the stream. */
  release(): void
}

export function sinkTo(stream: Writable | WritableStream<Uint8Array>): Sink {
  return 'getWriter' in stream ? sinkToWeb(stream) : sinkToNode(stream)
}

function sinkToNode(stream: Writable): Sink {
  let failure: Error | undefined
  const fail = (error: Error) => {
    failure ??= error
  }
  stream.on('error', fail)
  const write = (chunk: Buffer) =>
    new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
  let written: Promise<void> = Promise.resolve()
  return {
    take(chunk) {
      const one = write(chunk)
      one.catch(fail)
      written = Promise.allSettled([written, one]).then(() => undefined)
      return stream.writableNeedDrain ? one : undefined
    },
    async done() {
      await written
      if (failure) throw failure
    },
    release: () => void stream.off('error', fail),
  }
}

function sinkToWeb(stream: WritableStream<Uint8Array>): Sink {
  const writer = stream.getWriter()
  let written: Promise<void> = Promise.resolve()
  let failure: unknown
  writer.closed.catch(() => undefined)
  return {
    take(chunk) {
      const one = writer.write(chunk)
      one.catch((error: unknown) => {
        failure ??= error ?? new Error('the stream was aborted')
      })
      written = Promise.allSettled([written, one]).then(() => undefined)
      return (writer.desiredSize ?? 0) <= 0 ? one : undefined
    },
    async done() {
      await written
      if (failure !== undefined) throw failure
    },
    release: () => writer.releaseLock(),
  }
}

/** A line of what a program wrote, without its end. */
export interface Line {
  readonly stream: 'stdout' | 'stderr'
  readonly line: string
}

/** What is longer, in characters, is cut into several. */
const longestLine = 1 << 20

/** Lines that wait for somebody to read them: so many, and the program waits too. */
const fullQueue = 1000

/** The lines of streams in the order in which they come, for one reader. */
export class Lines {
  #queue: Line[] = []
  /** How many of the queue are read. To shift them out one by one would move all others each time. */
  #read = 0
  #wake: (() => void) | undefined
  #makeRoom: (() => void) | undefined
  #room: Promise<void> | undefined
  #ended = false
  readonly #splitters: (() => void)[] = []

  /** Takes what comes out of a stream. */
  taker(stream: Line['stream']): Take {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    this.#splitters.push(() => {
      rest += decoder.end()
      if (rest !== '') this.#push({ stream, line: rest })
      rest = ''
    })
    return (chunk) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = lines.pop() ?? ''
      // A program may write without ever ending a line.
      if (rest.length > longestLine) {
        lines.push(rest)
        rest = ''
      }
      for (const line of lines) this.#push({ stream, line: line.endsWith('\r') ? line.slice(0, -1) : line })
      if (this.#ended || this.#queue.length - this.#read < fullQueue) return undefined
      this.#room ??= new Promise((resolve) => {
        this.#makeRoom = resolve
      })
      return this.#room
    }
  }

  #push(line: Line): void {
    if (this.#ended) return
    this.#queue.push(line)
    this.#wake?.()
  }

  /** No more will come: what is not ended by a line feed is a line too. */
  end(): void {
    for (const flush of this.#splitters) flush()
    this.#stop()
  }

  #stop(): void {
    this.#ended = true
    this.#makeRoom?.()
    this.#wake?.()
  }

  async *read(): AsyncGenerator<Line, void, undefined> {
    try {
      for (;;) {
        const line = this.#queue[this.#read]
        if (line !== undefined) {
          this.#read++
          yield line
          continue
        }
        this.#queue = []
        this.#read = 0
        this.#makeRoom?.()
        this.#makeRoom = undefined
        this.#room = undefined
        if (this.#ended) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      this.#queue = []
      this.#read = 0
      this.#stop()
    }
  }
}
