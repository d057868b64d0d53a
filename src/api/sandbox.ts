/** `sandbox`: a container that is there for others to be executed in, as often as one likes. */
import { launch } from '../lifecycle/launch.js'
import { inSandbox } from '../lifecycle/sandbox.js'
import { checkBoolean, readOptions } from './arguments.js'
import { type BoxOptions, boxNames, planBox } from './box.js'
import { Child, type LifetimeOptions } from './child.js'
import { type Container, CreatedContainer } from './container.js'
import { apiContext, guarded, type WarningOptions } from './context.js'
import { withImage } from './images.js'
import { asText } from './result.js'
import { Stdio } from './stdio.js'
import { inTurn } from './turns.js'

export interface SandboxOptions extends BoxOptions, WarningOptions, LifetimeOptions {}

/**
 * Makes a sandbox like that of {@link run}, with nothing in it but an init of ours, which waits. Programs are executed in it by
 * `exec`; they share its file systems, limits and ids, and see each other. `cwd`, `env` and `user` are what they get that
 * are not told otherwise. It stays until `destroy`, or until this process ends.
 */
export function sandbox(given: SandboxOptions = {}): Promise<Container> {
  return guarded(async () => {
    const options = readOptions(given, [...boxNames, 'onWarning', 'detached'])
    checkBoolean('detached', options.detached)
    const child = new Child(apiContext(options), options)
    const { context } = child
    const { cwd } = context.host.caller
    const box = await withImage(planBox(['true'], options, cwd), cwd)
    return await inTurn(async () => {
      const stdio = new Stdio({ stdout: 'ignore', stderr: 'ignore' })
      return await inSandbox(context, box, async ({ container, bundle, root, facts }) => {
        const mode = { gate: true, detached: true, facts }
        const wishes = { ...root, stdio: stdio.descriptors, idle: true }
        const { pid } = await launch(context, container, bundle, wishes, mode)
        return new CreatedContainer(child, container, pid, stdio, asText)
      })
    })
  })
}
