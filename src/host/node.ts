/**
 * The host on Node: the engine through the addon (src/lib.rs), off the event loop.
 */
import { createRequire } from 'node:module'
import { isatty } from 'node:tty'
import type * as Addon from '../../index.js'
import { GantryError } from '../errors.js'
import type { ContainerRef, Host, Launched } from './host.js'
import { answerOf, hostOver, requestText } from './verbs.js'

/**
 * Not imported from node:process: that opens the standard streams, and so makes pipes non-blocking for everybody who has them, the
 * container too.
 */
export const { process } = globalThis

/** What is made for this platform. */
interface Platform {
  addon(): typeof Addon
  binary(): string
}

function platform(): Platform {
  return createRequire(import.meta.url)('#platform')
}

/** Fails with ERR_NO_BINARY where there is none for this platform. */
function loadAddon(): typeof Addon {
  try {
    return platform().addon()
  } catch (error) {
    // platform.cts knows what is missing; anything else is the loader's.
    const { message, hint = 'see the cause' }: { message: string; hint?: string } =
      error instanceof Error ? error : { message: String(error) }
    throw new GantryError('ERR_NO_BINARY', message, { hint, cause: error })
  }
}

/** The host of a program. It must not ask to forward signals, which are that program's. */
export function nodeHost(): Host {
  const addon = loadAddon()
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
  return hostOver(caller, (verb, request, text) => addon[verb](requestText(request, text)))
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
}

/** A container that ends with this JavaScript thread, and so with the process, whatever ends that. */
export interface Owner extends ContainerRef {
  /** As in its plan. */
  readonly created: string
}

/** Calls a verb that begins a process, by its request as it crosses. The pidfd in its answer stays the addon's. */
export function begin(verb: 'launch' | 'exec', request: string, owner?: Owner): Beginning<Launched> {
  const addon = loadAddon()
  const binary = platform().binary()
  const beginning = addon.begin(verb, request, owner && { ...owner, binary })
  return { ...beginning, begun: beginning.begun.then((text) => answerOf<Launched>(text)) }
}

/** Waits for the end of any container's init. It may be begun by somebody else: then there is an end and no more. */
export function awaitEnd({ root, id }: ContainerRef): Beginning<void> {
  const beginning = loadAddon().awaitEnd(root, id)
  return { ...beginning, begun: beginning.begun.then((text) => answerOf<void>(text)) }
}

/** Waits no more for a process, which goes on. */
export function forget(number: number): void {
  loadAddon().forget(number)
}

/** `false` when the process has ended. */
export function signalProcess(number: number, signal: number): boolean {
  return loadAddon().signalProcess(number, signal)
}

/** Does something to files in a container (engine::container_files) and gives what came of it. */
export async function operateOnFiles({ root, id }: ContainerRef, operation: object): Promise<unknown> {
  return answerOf<unknown>(await loadAddon().file(JSON.stringify({ root, id, operation })))
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

/** Unpacks what comes out of a pipe, whose descriptor the addon takes over. */
export async function unpackArchive(request: UnpackRequest, descriptor: number): Promise<void> {
  answerOf<void>(await loadAddon().unpack(JSON.stringify(request), descriptor))
}

/** Writes the archive of a directory in a container into a pipe, likewise. */
export async function packArchive({ root, id }: ContainerRef, path: string, descriptor: number): Promise<void> {
  answerOf<void>(await loadAddon().pack(JSON.stringify({ container: { root, id }, path }), descriptor))
}

/**
 * Kills a process in a container with all that it started: its session, and the descendants of whoever is in that. What was orphaned
 * outside of the session is not found.
 */
export async function killSession(container: ContainerRef, pid: number): Promise<void> {
  answerOf<void>(await loadAddon().killSession(container.root, container.id, pid))
}

/**
 * Joins a pty to a connection, both of which the addon takes over; resolves when the process has ended and its last output is
 * in the connection.
 */
export async function relay(number: number, console: number, connection: number): Promise<void> {
  answerOf<void>(await loadAddon().relay(number, console, connection))
}

/** Makes a pipe of descriptors that are the caller's to close; no program that is started inherits them. */
export function openPipe(): readonly [read: number, write: number] {
  return loadAddon().pipe()
}

/** Makes a connection of two non-blocking descriptors, likewise. */
export function openConnection(): readonly [one: number, other: number] {
  return loadAddon().connection()
}

/** Lets reads and writes of a descriptor wait, as child_process does with what a program inherits. */
export function makeBlocking(descriptor: number): void {
  loadAddon().makeBlocking(descriptor)
}

/** Another number for what a descriptor refers to, likewise. */
export function duplicate(descriptor: number): number {
  return loadAddon().duplicate(descriptor)
}

/** Tells a pty, and so the programs on it, that its window has another size. */
export function resizeTerminal(console: number, columns: number, rows: number): void {
  loadAddon().resizeTerminal(console, columns, rows)
}
