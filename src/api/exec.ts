/** `exec`: another process in a container that is there. */
import type { ContainerRef } from '../host/host.js'
import { killSession, signalProcess } from '../host/node.js'
import type { Context } from '../lifecycle/context.js'
import { startExec } from '../lifecycle/exec.js'
import { checkArgv, checkBoolean, checkString, environment, invalidArgument } from './arguments.js'
import { userOf } from './box.js'
import { Child } from './child.js'
import { type Proc, type ProcOptions, procNames, startProc } from './proc.js'
import { Stdio } from './stdio.js'

/** What is not said is as the container's own process has it. */
export interface ExecOptions extends ProcOptions {
  /** In the container. */
  readonly cwd?: string
  /** Added to the container's; an undefined one is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Ids in the container. */
  readonly user?: number | { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] }
  /** Names of capabilities (capabilities(7)) that it has beside the container's. */
  readonly capabilities?: readonly string[]
  readonly noNewPrivileges?: boolean
}

const execNames = [
  ...procNames,
  'cwd',
  'env',
  'user',
  'capabilities',
  'noNewPrivileges',
] as const satisfies readonly (keyof ExecOptions)[]

/**
 * Runs a program in a container. When it is ended before its time, its session goes with it, and whoever descends from that; what has
 * left both by setsid(2) and the death of its parent stays, as all does that it leaves running when it ends by itself.
 */
export function execIn(
  context: Context,
  container: ContainerRef,
  argv: readonly string[],
  given: ExecOptions,
): Proc<string | Buffer> {
  return startProc(given, execNames, (options) => {
    checkArgv(argv)
    const { cwd, env, user, capabilities = [], noNewPrivileges } = options
    checkString('cwd', cwd)
    checkBoolean('noNewPrivileges', noNewPrivileges)
    if (!Array.isArray(capabilities) || capabilities.some((name) => typeof name !== 'string')) {
      throw invalidArgument('capabilities: expected a list of names')
    }
    const who = userOf(user)
    const request = {
      args: [...argv],
      cwd,
      env: environment(env),
      user: who && { uid: who.uid, gid: who.gid },
      additionalGids: who?.additionalGids,
      capabilities,
      noNewPrivileges,
      plainTerminal: true,
    }
    const child = new Child(context)
    return {
      stdio: (onOverflow) => new Stdio(options, onOverflow),
      task: {
        name: argv[0] ?? '',
        async begin({ descriptors: stdio, fds, terminal }) {
          const size = terminal && { height: terminal.rows, width: terminal.columns }
          const { pid, console } = await startExec(child.context, container, {
            ...request,
            stdio,
            fds,
            terminal: terminal !== undefined,
            consoleSize: size,
          })
          if (console !== undefined) terminal?.join(child.number, console)
          return {
            pid,
            child,
            kill: async (signal) => signalProcess(child.number, signal),
            async end(byForce) {
              if (byForce) await killSession(container, pid)
              return undefined
            },
          }
        },
      },
    }
  })
}
