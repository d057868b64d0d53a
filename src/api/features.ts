/** What can be asked without a container: `features` and `spec`. */
import { features as describe } from '../lifecycle/features.js'
import { specText } from '../lifecycle/spec.js'
import { parseSpec } from '../spec/parse.js'
import type { Spec } from '../spec/spec.js'
import { checkBoolean, readOptions } from './arguments.js'
import { apiContext, guarded } from './context.js'

export type Features = ReturnType<typeof describe>

/** What this runtime does, in the form of the OCI runtime specification (features.md). */
export function features(): Features {
  return describe()
}

export interface SpecOptions {
  /** For the user of this process, without privileges, in a user namespace. */
  readonly rootless?: boolean
}

/** A configuration to begin with: what `gantry spec` writes to config.json. It wants a terminal and runs `sh`. */
export function spec(given: SpecOptions = {}): Promise<Spec> {
  return guarded(async () => {
    const options = readOptions(given, ['rootless'])
    checkBoolean('rootless', options.rootless)
    return parseSpec('config.json', await specText(apiContext().host, options.rootless ?? false))
  })
}
