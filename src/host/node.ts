/**
 * The host on Node: the engine through the addon (src/lib.rs), off the event loop.
 */
import { createRequire } from 'node:module'
import process from 'node:process'
import { isatty } from 'node:tty'
import type * as Addon from '../../index.js'
import type { Host } from './host.js'
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
  return hostOver(caller, (verb, request) => addon[verb](request))
}

/** Makes a pipe of descriptors that are the caller's to close; no program that is started inherits them. */
export function openPipe(): readonly [read: number, write: number] {
  return loadAddon().pipe()
}
