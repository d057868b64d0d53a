/**
 * The host on Node: the engine through the addon (src/lib.rs), off the event loop.
 */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import process from 'node:process'
import { isatty } from 'node:tty'
import type * as Addon from '../../index.js'
import type { ExitStatus, Host, Supervision } from './host.js'
import { hostOver } from './verbs.js'

/** Loads the addon of this package; the module cache makes it one for all who ask. */
function loadAddon(): typeof Addon {
  return createRequire(import.meta.url)('#addon')
}

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
  const host = hostOver(caller, (verb, request) => addon[verb](request))
  return { ...host, supervise: (request) => supervise(host, request) }
}

/** What a container can do something with, and Node lets us catch. */
const forwardable = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGALRM', 'SIGCONT'] as const

/**
 * Node has threads, and signals are the whole process's: they are taken by Node and sent on, where the static host
 * holds them back and reads them itself.
 */
async function supervise(host: Host, request: Supervision): Promise<ExitStatus> {
  if (!request.forwardSignals) return await host.supervise(request)
  const { root, id } = request
  const forward = (name: NodeJS.Signals) => {
    // A container that is gone can't be sent anything, and supervision is about to end.
    Promise.resolve(host.signal({ root, id, signal: constants.signals[name], all: false })).catch(() => {})
  }
  for (const name of forwardable) process.on(name, forward)
  try {
    return await host.supervise({ ...request, forwardSignals: false })
  } finally {
    for (const name of forwardable) process.off(name, forward)
  }
}

/** Makes a pipe of descriptors that are the caller's to close; no program that is started inherits them. */
export function openPipe(): readonly [read: number, write: number] {
  return loadAddon().pipe()
}
