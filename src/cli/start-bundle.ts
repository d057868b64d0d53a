import { Option } from 'clipanion'
import { runContainer } from '../lifecycle/run.js'
import { GantryCommand } from './command.js'
import { StartCommand } from './commands/start.js'
import { exitCodeOf } from './exit-code.js'

/** `start` with any of the options that it had when it created the container too. The options tell the two apart. */
export class StartBundleCommand extends GantryCommand {
  static override paths = StartCommand.paths
  static override usage = StartCommand.usage

  id = Option.String()

  bundle = Option.String('-b,--bundle', '.', { description: 'create and run the container of this directory' })
  console = Option.String('--console', { description: 'pty slave to use as its terminal' })
  detach = Option.Boolean('-d,--detach', false, { description: 'return when the program runs' })
  pidFile = Option.String('--pid-file', { description: 'file to write its process id to' })

  override async execute(): Promise<number> {
    const { bundle, console, detach, pidFile } = this
    const { systemdCgroup } = this.session.globals
    const options = { bundle, console, detach, pidFile, systemdCgroup }
    return exitCodeOf(await runContainer(this.session, await this.container(this.id), options))
  }
}
