import { Command, Option } from 'clipanion'
import { killContainer } from '../../lifecycle/kill.js'
import { EachCommand } from '../command.js'

export class KillCommand extends EachCommand {
  static override paths = [['kill']]
  static override usage = Command.Usage({
    description: 'send a signal to a container',
    details: 'The signal is SIGTERM unless one is given, by name (KILL, SIGKILL, RTMIN+1) or number.',
    examples: [
      ['Ask a container to end', '$0 kill web'],
      ['End all its processes', '$0 kill --all web KILL'],
    ],
  })

  signal = Option.String({ required: false })

  all = Option.Boolean('-a,--all', false, { description: 'every process of the container; none is no error' })

  override async execute(): Promise<void> {
    const { signal = 'TERM', all } = this
    await this.each((container) => killContainer(this.session.host, container, signal, all))
  }
}
