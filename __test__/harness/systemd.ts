/** systemd as the tests see it. It runs in the virtual machine: `npm run test:vm`. */
import { existsSync } from 'node:fs'
import type { RunOptions, Session } from './session.js'

/** Why there are no units here; undefined when there are. */
export const noSystemd = existsSync('/run/systemd/system') ? undefined : 'systemd does not run here'

/** For a command of the systemd cgroup driver. */
export function withSystemd(session: Session): RunOptions {
  return { global: ['--root', session.root, '--systemd-cgroup'] }
}

/** Properties of a unit by name, as systemctl(1) shows them. */
export async function unitProperties(
  session: Session,
  unit: string,
  ...names: string[]
): Promise<Record<string, string>> {
  const { stdout } = await session.shell(`systemctl show --property=${names.join(',')} -- '${unit}'`)
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** The units that have the session's mark in their name and are there: loaded, whatever their state. */
export async function unitsOf(session: Session): Promise<string[]> {
  const { stdout } = await session.shell(`systemctl list-units --all --plain --no-legend '*${session.mark}*'`)
  return stdout.split('\n').filter((line) => line !== '')
}
