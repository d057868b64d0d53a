/**
 * The host on Node: the engine through the addon (src/lib.rs), off the event loop.
 */
import { createRequire } from 'node:module'
import { isatty } from 'node:tty'
import type * as Addon from '../../index.js'
import { GantryError } from '../errors.js'
import type { ContainerRef, Destroyed, Host, Launched } from './host.js'
import { answerOf, hostOver, requestText } from './verbs.js'

/**
 * Not imported from node:process: that opens the standard streams, and so makes pipes non-blocking for everybody who has them, the
 * container too.
 */
export const { process } = globalThis

/** What is made for this platform. */
interface Platform {
  readonly addon: typeof Addon
  readonly line: Line
  /** The path of the static binary. */
  readonly binary: string
}

let loaded: Platform | undefined

/** Fails with ERR_NO_BINARY where there is none for this platform. */
function platform(): Platform {
  loaded ??= load()
  return loaded
}

function load(): Platform {
  try {
    const platform: { addon(): typeof Addon; binary(): string } = createRequire(import.meta.url)('#platform')
    const addon = platform.addon()
    return { addon, line: new Line(addon), binary: platform.binary() }
  } catch (error) {
    // platform.cts knows what is missing; anything else is the loader's.
    const { message, hint = 'see the cause' }: { message: string; hint?: string } =
      error instanceof Error ? error : { message: String(error) }
    throw new GantryError('ERR_NO_BINARY', message, { hint, cause: error })
  }
}

interface Expected {
  readonly question: number
  readonly answer: Promise<string>
}

/** What this thread asks of the addon, and how the answers find those who asked. While one is awaited, the event loop goes on. */
class Line {
  readonly #line: Addon.Line
  readonly #asked = new Map<number, (answer: string) => void>()
  #last = 0

  constructor(addon: typeof Addon) {
    this.#line = new addon.Line((question, answer) => this.#hear(question, answer))
  }

  /** Has a question put, by its number, and gives the answer: an empty one if there was nothing to be answered. */
  ask(put: (line: Addon.Line, question: number) => void): Promise<string> {
    const { question, answer } = this.expect()
    this.put([question], (line) => put(line, question))
    return answer
  }

  /** A question that is yet to be put. */
  expect(): Expected {
    this.#last = (this.#last + 1) >>> 0
    const question = this.#last
    const answer = new Promise<string>((resolve) => {
      if (this.#asked.size === 0) this.#line.hold()
      this.#asked.set(question, resolve)
    })
    return { question, answer }
  }

  /** Puts questions; if that fails there will be no answers. */
  put<T>(questions: readonly (number | undefined)[], put: (line: Addon.Line) => T): T {
    try {
      return put(this.#line)
    } catch (error) {
      for (const question of questions) if (question !== undefined) this.#hear(question, '')
      throw error
    }
  }

  #hear(question: number, answer: string): void {
    const resolve = this.#asked.get(question)
    if (resolve === undefined) return
    this.#asked.delete(question)
    if (this.#asked.size === 0) this.#line.release()
    resolve(answer)
  }
}

/** The host of a program. It must not ask to forward signals, which are that program's. */
export function nodeHost(): Host {
  const { line } = platform()
  const [, ...words] = process.argv
  const caller = {
    argv: words,
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    stdinIsTerminal: isatty(0),
    stdoutIsTerminal: isatty(1),
    stderrIsTerminal: isatty(2),
  }
  return hostOver(caller, (verb, request, text) =>
    line.ask((to, question) => to.ask(question, verb, requestText(request, text))),
  )
}

/**
 * The host of the command line. Node has threads, and signals are the whole process's: Node takes them and we send them on,
 * where the static host holds them back and reads them itself. As there, one that comes during a launch leaves nothing
 * half done: the wait that follows passes it on, or ends by it.
 */
export function commandHost(): Host {
  const host = nodeHost()
  const signals = new Signals()
  return {
    ...host,
    launch(plan, config) {
      signals.hold()
      return host.launch(plan, config)
    },
    exec(plan) {
      signals.hold()
      return host.exec(plan)
    },
    awaitReady(request) {
      signals.letThrough()
      return host.awaitReady(request)
    },
    supervise({ forwardSignals, ...request }) {
      if (forwardSignals) signals.giveTo((name) => sendTo(request.pid, name))
      return host.supervise({ ...request, forwardSignals: false })
    },
  }
}

/** Sends a signal to a child that is being waited for. */
function sendTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended, and the wait for it is about to.
  }
}

/** What a container can do something with, and Node lets us catch. */
const forwardable = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGALRM', 'SIGCONT'] as const

/** The signals that this process gets, from `hold` on: kept until there is somebody to give them to. */
class Signals {
  private readonly held: NodeJS.Signals[] = []
  private receive = (name: NodeJS.Signals): void => {
    this.held.push(name)
  }
  private readonly listener = (name: NodeJS.Signals): void => this.receive(name)

  hold(): void {
    for (const name of forwardable) process.on(name, this.listener)
  }

  /** Gives those held so far and all that come to `receive`. */
  giveTo(receive: (name: NodeJS.Signals) => void): void {
    this.receive = receive
    for (const name of this.held.splice(0)) receive(name)
  }

  /** Lets them do what they do to any process, those held so far first. */
  letThrough(): void {
    for (const name of forwardable) process.off(name, this.listener)
    for (const name of this.held.splice(0)) process.kill(process.pid, name)
  }
}

/** A process of a container that is waited for from its beginning. */
export interface Beginning<T> {
  /** For the functions below, until it has ended. */
  readonly number: number
  readonly begun: Promise<T>
  /** How it ended, as far as that can be known; also when it was never begun. */
  readonly ended: Promise<{ readonly exitCode?: number; readonly signal?: number }>
  /** What came of removing its container when it had ended, if that was asked for. */
  gone(): Promise<Destroyed>
}

/** A container that ends with this JavaScript thread, and so with the process, whatever ends that. */
export interface Owner extends ContainerRef {
  /** As in its plan. */
  readonly created: string
}

/**
 * Calls a verb that begins a process, by its request as it crosses. The pidfd in its answer stays the addon's. When the process has
 * ended, `destroy` is called with that request, if there is one.
 */
export function begin(verb: 'launch' | 'exec', request: string, owner?: Owner, destroy?: object): Beginning<Launched> {
  const { line, binary } = platform()
  const ownership = owner && { ...owner, binary }
  const gone = destroy && { ...line.expect(), request: requestText(destroy) }
  return beginning<Launched>(line, gone, (to, questions) =>
    to.begin(questions, verb, request, ownership, gone?.request),
  )
}

/** Waits for the end of any container's init. It may be begun by somebody else: then there is an end and no more. */
export function awaitEnd({ root, id }: ContainerRef): Beginning<void> {
  return beginning<void>(platform().line, undefined, (to, questions) => to.awaitEnd(questions, root, id))
}

function beginning<T>(
  line: Line,
  gone: Expected | undefined,
  put: (line: Addon.Line, questions: Addon.Questions) => number,
): Beginning<T> {
  const begun = line.expect()
  const ended = line.expect()
  const questions = { begun: begun.question, ended: ended.question, gone: gone?.question }
  return {
    number: line.put(Object.values(questions), (to) => put(to, questions)),
    begun: begun.answer.then((text) => answerOf<T>(text)),
    ended: ended.answer.then((text) => (text === '' ? {} : answerOf(text))),
    gone: async () => (gone === undefined ? { warnings: [] } : answerOf<Destroyed>(await gone.answer)),
  }
}

/** Waits no more for a process, which goes on. */
export function forget(number: number): void {
  platform().addon.forget(number)
}

/** `false` when the process has ended. */
export function signalProcess(number: number, signal: number): boolean {
  return platform().addon.signalProcess(number, signal)
}

/** Does something to files in a container (engine::container_files) and gives what came of it. */
export async function operateOnFiles({ root, id }: ContainerRef, operation: object): Promise<unknown> {
  const request = JSON.stringify({ root, id, operation })
  return answerOf<unknown>(await platform().line.ask((line, question) => line.file(question, request)))
}

/** What an archive may become. */
export interface UnpackRequest {
  /** Without one, `path` is this machine's. */
  readonly container?: ContainerRef
  /** Of the directory that it goes to. */
  readonly path: string
  /** It is a layer of an image (crates/archive). */
  readonly layer: boolean
  readonly mostBytes: number
  readonly mostEntries: number
}

/** Unpacks what comes out of a pipe, whose descriptor the addon takes over; gives the bytes in files. */
export async function unpackArchive(request: UnpackRequest, descriptor: number): Promise<number> {
  const text = JSON.stringify(request)
  return answerOf<number>(await platform().line.ask((line, question) => line.unpack(question, text, descriptor)))
}

/** Writes the archive of a directory in a container into a pipe, likewise. */
export async function packArchive({ root, id }: ContainerRef, path: string, descriptor: number): Promise<void> {
  const text = JSON.stringify({ container: { root, id }, path })
  answerOf<void>(await platform().line.ask((line, question) => line.pack(question, text, descriptor)))
}

/**
 * Kills a process in a container with all that it started: its session, and the descendants of whoever is in that. What was orphaned
 * outside of the session is not found.
 */
export async function killSession({ root, id }: ContainerRef, pid: number): Promise<void> {
  answerOf<void>(await platform().line.ask((line, question) => line.killSession(question, root, id, pid)))
}

/**
 * Joins a pty to a connection, both of which the addon takes over; resolves when the process has ended and its last output is
 * in the connection.
 */
export async function relay(number: number, console: number, connection: number): Promise<void> {
  answerOf<void>(await platform().line.ask((line, question) => line.relay(question, number, console, connection)))
}

/** Makes a pipe of descriptors that are the caller's to close; no program that is started inherits them. */
export function openPipe(): readonly [read: number, write: number] {
  return platform().addon.pipe()
}

/** Makes a connection of two non-blocking descriptors, likewise. */
export function openConnection(): readonly [one: number, other: number] {
  return platform().addon.connection()
}

/** Lets reads and writes of a descriptor wait, as child_process does with what a program inherits. */
export function makeBlocking(descriptor: number): void {
  platform().addon.makeBlocking(descriptor)
}

/** Another number for what a descriptor refers to, likewise. */
export function duplicate(descriptor: number): number {
  return platform().addon.duplicate(descriptor)
}

/** Closes one of these; none of them has anything to wait for then. */
export function closeDescriptor(descriptor: number): void {
  platform().addon.close(descriptor)
}

/** What is in a pipe now, up to so many bytes. */
export function readPipe(descriptor: number, most: number): Buffer {
  return platform().addon.readPipe(descriptor, most)
}

/** Tells a pty, and so the programs on it, that its window has another size. */
export function resizeTerminal(console: number, columns: number, rows: number): void {
  platform().addon.resizeTerminal(console, columns, rows)
}
