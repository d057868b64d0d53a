/** What the scripts share: where things are, how a command is run, how node_modules comes to be. Works before it does. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where Cargo puts what it builds. */
export const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')

/** A command that failed, with its output where it was kept. */
export class CommandFailed extends Error {}

/** The environment of commands: what npm packages install can be called by name. */
function environment(extra) {
  return { ...process.env, ...extra, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` }
}

/** Runs a command in the repository's root, on our own stdio; throws unless it exits with 0. */
export function run(command, args, env = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: environment(env) })
  if (error) throw new CommandFailed(`${command}: ${error.message}`)
  if (status !== 0) throw new CommandFailed(`${[command, ...args].join(' ')}: ${signal ?? `exit status ${status}`}`)
}

/** What a command prints; throws unless it exits with 0. */
export function output(command, ...args) {
  const { status, stdout, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  if (error) throw new CommandFailed(`${command}: ${error.message}`)
  if (status !== 0) throw new CommandFailed(`${[command, ...args].join(' ')}: exit status ${status}`)
  return stdout.toString()
}

/** Whether there is such a command, and it exits with 0. */
export function succeeds(command, ...args) {
  return spawnSync(command, args, { cwd: root, stdio: 'ignore' }).status === 0
}

/** Runs a command in the same way, but gives each line of its standard output to `onLine`. */
export async function runLines([command, ...args], onLine) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: environment() })
  const ended = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  const [status, signal] = await ended
  if (status !== 0) throw new CommandFailed(`${[command, ...args].join(' ')}: ${signal ?? `exit status ${status}`}`)
}

/** Installs what package-lock.json in `directory` names, unless that has happened since it changed. */
export function install(directory = '.', ...options) {
  if (modified(`${directory}/node_modules/.package-lock.json`) >= modified(`${directory}/package-lock.json`)) return
  run('npm', ['ci', '--loglevel=error', '--prefix', directory, ...options])
}

function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? -1
}

/** Writes a file in one step, so that a running program keeps the old one; leaves an equal one alone, time stamp and all. */
export function replace(path, contents, mode = 0o644) {
  try {
    if (readFileSync(path).equals(Buffer.from(contents))) return
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  mkdirSync(dirname(path), { recursive: true })
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, contents, { mode })
  renameSync(fresh, path)
}

/** Runs a script's body: a failed command ends it with one line and status 1. */
export function script(body) {
  return body().catch((error) => {
    if (!(error instanceof CommandFailed)) throw error
    console.error(error.message)
    process.exitCode = 1
  })
}
