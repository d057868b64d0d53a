/** `spec`: a config.json to begin with. */
import { errno } from '../errno.js'
import { GantryError } from '../errors.js'
import { type Host, HostFailure } from '../host/host.js'
import { defaultConfig } from '../spec/default.js'
import { absolutePath } from './paths.js'

/** The text of a config.json that fits this machine and, when `rootless`, this user. */
export async function specText(host: Host, rootless: boolean): Promise<string> {
  const { cgroups, euid, egid } = await host.facts()
  return defaultConfig({
    cgroup2: cgroups.length > 0 && cgroups.every(({ version }) => version === 2),
    ...(rootless && { rootless: { uid: euid, gid: egid } }),
  })
}

/** Writes it into the bundle; never over one that is there. */
export async function writeSpec(host: Host, bundle: string, rootless: boolean): Promise<void> {
  const text = await specText(host, rootless)
  const file = absolutePath(absolutePath(host.caller.cwd, bundle), 'config.json')
  try {
    await host.createText(file, text)
  } catch (error) {
    if (!(error instanceof HostFailure) || error.errno !== errno.EEXIST) throw error
    throw new GantryError('ERR_EXISTS', 'file config.json exists: remove it first', { path: file, cause: error })
  }
}
