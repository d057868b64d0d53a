/** `run`: one command in a sandbox of its own, from its start to the last trace of it. */
import { deleteContainer, finishDeletion } from '../lifecycle/delete.js'
import { killContainer } from '../lifecycle/kill.js'
import { launch } from '../lifecycle/launch.js'
import { inSandbox, type SandboxOptions } from '../lifecycle/sandbox.js'
import { usageOf } from '../lifecycle/stats.js'
import { checkArgv } from './arguments.js'
import { type BoxOptions, boxNames, planBox } from './box.js'
import { Child } from './child.js'
import { apiContext, guarded, type WarningOptions } from './context.js'
import { withImage } from './images.js'
import { isGone, type Proc, type ProcOptions, procNames, startProc } from './proc.js'
import { Stdio } from './stdio.js'

export interface RunOptions extends BoxOptions, ProcOptions, WarningOptions {}

/**
 * Runs a command in a new container, which is gone, with all of its processes, when the promise settles.
 *
 * The promise resolves however the command ends. It rejects with a {@link RunError}, which has the result so far, when `timeout`
 * passed or `signal` was aborted (every process is killed then) or, with `check`, when it failed; with another
 * {@link GantryError} when it could not be started: ERR_EXEC_NOT_FOUND, ERR_EXEC_DENIED, ERR_INVALID_ARGUMENT, …
 *
 * The event loop goes on meanwhile, and nothing about this process changes.
 */
export function run(argv: readonly string[], options: RunOptions & { readonly encoding: 'buffer' }): Proc<Buffer>
export function run(argv: readonly string[], options?: RunOptions & { readonly encoding?: 'utf8' | undefined }): Proc
export function run(argv: readonly string[], options?: RunOptions): Proc<string | Buffer>
export function run(argv: readonly string[], given: RunOptions = {}): Proc<string | Buffer> {
  return startProc(given, [...boxNames, ...procNames, 'onWarning'], (options) => {
    const child = new Child(apiContext(options), { fleeting: true })
    const { context } = child
    checkArgv(argv)
    const { cwd } = context.host.caller
    const box = planBox(argv, options, cwd)
    let ready: SandboxOptions = box
    return {
      stdio: (onOverflow) => new Stdio(options, onOverflow),
      task: {
        name: box.args[0] ?? '',
        async prepare() {
          ready = await withImage(box, cwd)
        },
        async begin({ descriptors: stdio, fds, terminal }) {
          return await inSandbox(
            context,
            { ...ready, terminal: terminal !== undefined, consoleSize: terminal },
            async ({ container, bundle, root, facts }) => {
              const mode = { gate: false, detached: false, facts }
              const { pid, console } = await launch(
                context,
                container,
                bundle,
                { ...root, stdio, fds, plainTerminal: true },
                mode,
              )
              if (console !== undefined) await terminal?.join(child.number, console)
              return {
                pid,
                child,
                async kill(signal) {
                  try {
                    await guarded(() => killContainer(context.host, container, String(signal), false))
                    return true
                  } catch (error) {
                    if (isGone(error)) return false
                    throw error
                  }
                },
                async end(byForce) {
                  if (!byForce) return await finishDeletion(context, container, true, () => child.gone())
                  const usage = await usageOf(context.host, container)
                  await deleteContainer(context, container, true)
                  return usage
                },
              }
            },
          )
        },
      },
    }
  })
}
