/**
 * The host on Node: the engine through the addon (src/lib.rs), off the event loop.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import process from 'node:process'
import { isatty } from 'node:tty'
import type * as Addon from '../../index.js'
import type { Host } from './host.js'
import { hostOver } from './verbs.js'

/** Loads the addon of this package; the module cache makes it one for all who ask. */
function loadAddon(): typeof Addon {
  return createRequire(import.meta.url)('#addon')
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
  return hostOver(caller, (verb, request) => addon[verb](request))
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
    launch(plan) {
      signals.hold()
      return host.launch(plan)
    },
    awaitReady(request) {
      signals.letThrough()
      return host.awaitReady(request)
    },
    supervise({ forwardSignals, ...request }) {
      const { root, id } = request
      if (forwardSignals) {
        signals.giveTo((name) => {
          // A container that is gone can't be sent anything, and supervision is about to end.
          Promise.resolve(host.signal({ root, id, signal: constants.signals[name], all: false })).catch(() => {})
        })
      }
      return host.supervise({ ...request, forwardSignals: false })
    },
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

/** Makes a pipe of descriptors that are the caller's to close; no program that is started inherits them. */
export function openPipe(): readonly [read: number, write: number] {
  return loadAddon().pipe()
}
