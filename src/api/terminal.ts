/** The terminal of a process in a container, as a stream of ours. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { closeDescriptor, duplicate, openConnection, relay, resizeTerminal } from '../host/node.js'
import { checkNames, checkNumber, invalidArgument } from './arguments.js'

export interface TerminalSize {
  /** 80 by default. */
  readonly columns?: number
  /** 24 by default. */
  readonly rows?: number
}

export interface TerminalOptions {
  /** Gives the program a terminal, in place of the three streams: the {@link Proc}'s `pty`. */
  readonly tty?: boolean | TerminalSize
}

const most = 65_535

export class Terminal {
  readonly columns: number
  readonly rows: number
  /** What the program writes, and what it is to read. */
  readonly stream: Duplex
  readonly #socket: Socket
  /** The other end of the stream, until the addon has it. */
  #other: number | undefined
  /** The pty, for its size. */
  #console: number | undefined

  constructor(tty: true | TerminalSize) {
    const size = tty === true ? {} : tty
    if (typeof tty !== 'boolean' && typeof tty !== 'object') throw invalidArgument('tty: expected a boolean or a size')
    checkNames('tty', size, ['columns', 'rows'])
    checkNumber('tty.columns', size.columns, 1, most)
    checkNumber('tty.rows', size.rows, 1, most)
    this.columns = size.columns ?? 80
    this.rows = size.rows ?? 24
    const [one, other] = openConnection()
    this.#other = other
    this.#socket = new Socket({ fd: one, readable: true, writable: true, allowHalfOpen: true })
    // What is typed when the program is gone is lost, as on any terminal.
    this.#socket.on('error', () => undefined)
    // The end of what is typed is not that of the terminal, but that of the terminal is the end.
    this.#socket.once('end', () => this.#socket.end())
    // The program hears of it (SIGHUP) when nobody has the pty any more.
    this.#socket.once('close', () => this.close())
    this.stream = this.#socket
  }

  /** Joins the pty that a process was begun with, by its number, to the stream. */
  join(process: number, console: number): void {
    const other = this.#other
    if (other === undefined) return
    this.#other = undefined
    this.#console = duplicate(console)
    // It fails when the stream can't be served: then that ends.
    relay(process, console, other).catch(() => undefined)
  }

  resize(columns: number, rows: number): void {
    checkNumber('columns', columns, 1, most)
    checkNumber('rows', rows, 1, most)
    if (this.#console !== undefined) resizeTerminal(this.#console, columns, rows)
  }

  close(): void {
    const open = [this.#other, this.#console]
    this.#other = undefined
    this.#console = undefined
    for (const descriptor of open) if (descriptor !== undefined) closeDescriptor(descriptor)
  }
}
