/**
 * The host in the static binary. What it is made of is `Native`: crates/standalone/src/native.rs.
 */
import type { Caller, Host } from './host.js'
import { hostOver } from './verbs.js'

/** What the static binary hands to TypeScript. */
export interface Native {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly pid: number
  environment(): Record<string, string>
  isTerminal(descriptor: number): boolean
  /** See `Call` in verbs.ts; answers at once. */
  call(verb: string, request: object, text?: string): string
}

export function quickjsHost(native: Native): Host {
  const { argv, cwd, pid } = native
  let env: Caller['env'] | undefined
  const caller: Caller = {
    argv,
    cwd,
    pid,
    get env() {
      env ??= native.environment()
      return env
    },
    get stdinIsTerminal() {
      return native.isTerminal(0)
    },
    get stdoutIsTerminal() {
      return native.isTerminal(1)
    },
    get stderrIsTerminal() {
      return native.isTerminal(2)
    },
  }
  return hostOver(caller, (verb, request, text) => native.call(verb, request, text))
}
