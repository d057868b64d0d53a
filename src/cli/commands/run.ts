import { Command, Option } from 'clipanion'
import { runContainer } from '../../lifecycle/run.js'
import { exitCodeOf } from '../exit-code.js'
import { LaunchCommand } from '../launch-command.js'

export class RunCommand extends LaunchCommand {
  static override paths = [['run']]
  static override usage = Command.Usage({
    description: 'create and start a container',
    details:
      'In the foreground, signals are passed on, the exit status is that of the container (128 and the signal when one ended ' +
      'it), and the container is deleted at its end.',
    examples: [
      ['Run the bundle in the current directory', '$0 run web'],
      ['Leave it in the background', '$0 run --detach --bundle /srv/web --pid-file /run/web.pid web'],
    ],
  })

  detach = Option.Boolean('-d,--detach', false, { description: 'return when the program runs' })
  keep = Option.Boolean('--keep', false, { description: 'do not delete the container at its end' })
  noSubreaper = Option.Boolean('--no-subreaper', false, { description: 'do not adopt orphans of the container' })

  override async execute(): Promise<number> {
    const { detach, keep, noSubreaper } = this
    const container = await this.container(this.id)
    const options = { ...this.launchOptions(), detach, keep, noSubreaper }
    return exitCodeOf(await runContainer(this.session, container, options))
  }
}
