#!/usr/bin/env node
/**
 * What `npx gantry` runs: becomes the static binary, in this same process, so that signals, exit status and terminal are
 * the container's without anybody in between. Where there is no such binary, or with GANTRY_HOST=node, the same TypeScript
 * runs here, on Node.
 */
import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'

// `process` is the global one throughout: to import it is to open the standard streams, which makes pipes non-blocking for everybody
// who has them, the container too.
const words = process.argv.slice(2)
try {
  const platform = createRequire(import.meta.url)('#platform')
  const binary = platform.binary()
  if (process.env.GANTRY_HOST !== 'node' && isExecutable(binary)) {
    platform.addon().execve(binary, ['gantry', ...words], inherited())
  }
  const { run } = await import('../dist/main.js')
  process.exitCode = await run()
} catch (error) {
  if (error.code !== 'ERR_NO_BINARY') throw error
  console.error(`gantry: ${error.message}\nhint: ${error.hint}`)
  process.exitCode = 1
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** How many descriptors from 3 on are for the container: --preserve-fds, and those of systemd's socket activation. */
function inherited() {
  const { LISTEN_FDS, LISTEN_PID } = process.env
  const activated = LISTEN_PID === String(process.pid) ? count(LISTEN_FDS) : 0
  const at = words.findIndex((word) => /^--?preserve-fds(=|$)/.test(word))
  return activated + (at < 0 ? 0 : count(words[at].split('=')[1] ?? words[at + 1]))
}

function count(text = '') {
  return /^\d{1,6}$/.test(text) ? Number(text) : 0
}
