/** The built package where every user can read it: itself, or a copy where a directory above it is closed, as those of mktemp(1) are. */
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

/** Ends with a slash, as `repository` does. */
export const packageDirectory = isOpen(repository) ? repository : copy()

/** Whether others may read the directory and pass through all those above it. */
function isOpen(directory: string): boolean {
  const above = dirname(directory)
  return (statSync(directory).mode & 0o005) === 0o005 && (above === directory || isOpen(above))
}

function copy(): string {
  const directory = mkdtempSync(`${tmpdir()}/gantry-package-`)
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  chmodSync(directory, 0o755)
  for (const part of ['bin', 'dist', 'package.json']) {
    if (existsSync(`${repository}${part}`)) cpSync(`${repository}${part}`, `${directory}/${part}`, { recursive: true })
  }
  return `${directory}/`
}
