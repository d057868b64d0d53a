import { Command, Option } from 'clipanion'
import { pauseContainer } from '../../lifecycle/pause.js'
import { GantryCommand } from '../command.js'

export class PauseCommand extends GantryCommand {
  static override paths = [['pause']]
  static override usage = Command.Usage({
    description: 'stop all processes of a container where they are',
    details: 'They keep their memory and get no processor time until resume.',
    examples: [
      ['Pause a container', '$0 pause web'],
      ['See that it is paused', '$0 state web | jq .status'],
    ],
  })

  id = Option.String()

  override async execute(): Promise<void> {
    await pauseContainer(this.session.host, await this.container(this.id))
  }
}
