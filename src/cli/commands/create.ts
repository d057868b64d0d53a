import { Command } from 'clipanion'
import { createContainer } from '../../lifecycle/create.js'
import { LaunchCommand } from '../launch-command.js'

export class CreateCommand extends LaunchCommand {
  static override paths = [['create']]
  static override usage = Command.Usage({
    description: 'create a container that waits for start',
    details: 'Its process has the container set up around it when the command returns, and runs nothing yet.',
    examples: [
      ['Create a container from the bundle in the current directory', '$0 create web'],
      [
        'From another bundle, and have its process id written',
        '$0 create --bundle /srv/web --pid-file /run/web.pid web',
      ],
    ],
  })

  override async execute(): Promise<void> {
    await createContainer(this.session, await this.container(this.id), this.launchOptions())
  }
}
