/** A user without privileges: the caller, or for root somebody whom nothing belongs to. */
import { which } from './runtime.js'

const asRoot = process.geteuid?.() === 0
const nobody = 65_534

export const unprivileged = {
  uid: asRoot ? nobody : (process.geteuid?.() ?? nobody),
  gid: asRoot ? nobody : (process.getegid?.() ?? nobody),
  /** What a command of that user goes through. */
  through: asRoot ? ['setpriv', '--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'] : [],
} as const

/** Why there are no user namespaces for such a user; undefined where there are. */
export const noUserNamespaces = which('unshare') === undefined ? 'unshare is not installed' : undefined
