import { Command, Option } from 'clipanion'
import { resumeContainer } from '../../lifecycle/pause.js'
import { GantryCommand } from '../command.js'

export class ResumeCommand extends GantryCommand {
  static override paths = [['resume']]
  static override usage = Command.Usage({
    description: 'let a paused container go on',
    details: 'A container that was created and not started is created again; any other one runs.',
    examples: [
      ['Let a container go on', '$0 resume web'],
      ['Let all that are paused go on', '$0 list | awk \'$3 == "paused" { print $1 }\' | xargs -n1 $0 resume'],
    ],
  })

  id = Option.String()

  override async execute(): Promise<void> {
    await resumeContainer(this.session.host, await this.container(this.id))
  }
}
