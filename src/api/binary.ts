/**
 * `gantry/binary`: where the static binary lies, for programs that start runtimes.
 *
 * Hosts should copy it out of node_modules before they name it in daemon.json or containers.conf: the next install may
 * remove it.
 */
import { createRequire } from 'node:module'

/** The absolute path of the static binary; fails with code ERR_NO_BINARY where there is none for this platform. */
export function binary(): string {
  return createRequire(import.meta.url)('#platform').binary()
}
