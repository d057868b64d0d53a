import { Command, Option } from 'clipanion'
import { deleteContainer } from '../../lifecycle/delete.js'
import { EachCommand } from '../command.js'

export class DeleteCommand extends EachCommand {
  static override paths = [['delete']]
  static override usage = Command.Usage({
    description: 'delete a stopped container',
    details: 'A container that was created and never started is ended first.',
    examples: [
      ['Delete a container', '$0 delete web'],
      ['Whatever its state is', '$0 delete --force web'],
    ],
  })

  force = Option.Boolean('-f,--force', false, { description: 'kill it if it runs; no error if it does not exist' })

  override async execute(): Promise<void> {
    await this.each((container) => deleteContainer(this.session, container, this.force))
  }
}
