/** Our end of a pipe that a program writes to. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { closeDescriptor, readPipe } from '../host/node.js'

/** Takes what comes out of a pipe. Who is slow says so by a promise: then no more is read until that is settled. */
export type Take = (chunk: Buffer) => Promise<void> | undefined

/** So many turns of the event loop empty a pipe of 1 MiB, the largest for a user, at 64 KiB a turn, twice over. */
const enoughTurns = 32

/** The most that is read at the end, in bytes. */
const enough = enoughTurns << 16

/** How long nobody looks at what a program writes, in milliseconds: those that end sooner never need a stream of ours. */
const patience = 4

/** The reading end of a pipe that we read ourselves. */
export class Outlet {
  /** Until there is a socket, which costs as much as the rest of a short program. */
  #descriptor: number | undefined
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #takers: Take[] = []
  #received = 0
  #cut = false
  #hurried = false
  /** How many of those who are slow are still at it. */
  #waiting = 0

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** Whether something was left in the pipe. */
  get cut(): boolean {
    return this.#cut
  }

  /** Has somebody take what comes: at once, or where there is no hurry a little later. */
  tell(take: Take, hurry: boolean): void {
    this.#takers.push(take)
    if (hurry) this.#open()
  }

  /** The program runs. */
  begin(): void {
    if (this.#descriptor !== undefined) this.#timer = setTimeout(() => this.#open(), patience)
  }

  #open(): void {
    clearTimeout(this.#timer)
    if (this.#descriptor === undefined) return
    const socket = new Socket({ fd: this.#descriptor, readable: true, writable: false })
    this.#descriptor = undefined
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk))
    // It is closed then, and what came before counts.
    socket.on('error', () => undefined)
  }

  #receive(chunk: Buffer): void {
    this.#received += chunk.length
    for (const take of this.#takers) {
      const slow = take(chunk)
      if (slow === undefined) continue
      this.#waiting++
      if (!this.#hurried) this.#socket?.pause()
      // Whoever made the promise hears of its failure.
      slow
        .catch(() => undefined)
        .then(() => {
          this.#waiting--
          if (this.#waiting === 0) this.#socket?.resume()
        })
    }
  }

  /**
   * Reads until nothing more is there. The end of the pipe is not waited for: somebody outside whom the container passed its
   * end on to (unix(7), SCM_RIGHTS) could keep it open for ever. What was written before the call is in the pipe, and each
   * turn of the event loop reads from it. Nobody is waited for any more: what there is fits into the pipe.
   */
  async drain(): Promise<void> {
    this.#hurried = true
    clearTimeout(this.#timer)
    const socket = this.#socket
    if (socket === undefined) {
      if (this.#descriptor !== undefined) this.#readRest(this.#descriptor)
      return
    }
    socket.resume()
    for (let turn = 0, quiet = 0; quiet < 2 && !socket.readableEnded && !socket.destroyed; turn++) {
      if (turn === enoughTurns) {
        this.#cut = true
        return
      }
      const before = this.#received
      await nextTurn()
      quiet = this.#received === before ? quiet + 1 : 0
    }
  }

  #readRest(descriptor: number): void {
    const bytes = readPipe(descriptor, enough)
    this.#cut = bytes.length === enough
    if (bytes.length > 0) this.#receive(bytes)
  }

  /** What the program writes from now on breaks its pipe (SIGPIPE). */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#descriptor !== undefined) closeDescriptor(this.#descriptor)
    this.#descriptor = undefined
    if (this.#socket !== undefined) await closeSocket(this.#socket)
  }
}

/** Resolves when the descriptor is closed. */
export async function closeSocket(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = once(socket, 'close')
  socket.destroy()
  await closed
}
