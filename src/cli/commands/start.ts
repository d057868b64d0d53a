import { Command, Option } from 'clipanion'
import { startContainer } from '../../lifecycle/start.js'
import { GantryCommand } from '../command.js'

export class StartCommand extends GantryCommand {
  static override paths = [['start']]
  static override usage = Command.Usage({
    description: 'start the program of a created container',
    details:
      'With any option of the early runc (--bundle, --console, --detach, --pid-file), creates and runs the container as run does.',
    examples: [
      ['Start a container', '$0 start web'],
      ['Create and run one, the old way', '$0 start --bundle /srv/web web'],
    ],
  })

  id = Option.String()

  override async execute(): Promise<void> {
    await startContainer(this.session, await this.container(this.id))
  }
}
