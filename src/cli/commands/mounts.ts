import { Command, Option } from 'clipanion'
import { addMounts, parseMounts, removeMounts } from '../../lifecycle/mounts.js'
import { GantryCommand } from '../command.js'
import { usageError } from '../usage.js'

export class MountsCommand extends GantryCommand {
  static override paths = [['mounts']]
  static override usage = Command.Usage({
    description: 'mount something in a container that is there, or unmount it',
    details:
      'The file has a list of mounts as config.json has it; - is standard input. `add` makes them in order, all or none: sources are ' +
      'found on the host, missing mount points are made. `remove` looks at the destinations only.',
    examples: [
      [
        'Show a directory of the host',
        `echo '[{"destination":"/data","source":"/srv","options":["bind"]}]' | $0 mounts add web -`,
      ],
      ['Take it away again', `echo '[{"destination":"/data"}]' | $0 mounts remove web -`],
    ],
  })

  action = Option.String({ name: 'add|remove' })
  id = Option.String()
  file = Option.String()

  override async execute(): Promise<void> {
    const { host } = this.session
    const act = { add: addMounts, remove: removeMounts }[this.action]
    if (act === undefined) throw usageError(`unknown action ${this.action}: expected add or remove`)
    const container = await this.container(this.id)
    const path = this.file === '-' ? 'standard input' : this.file
    const text = this.file === '-' ? await host.readInput() : await host.readText(this.file)
    await act(this.session, container, path, parseMounts(path, text))
  }
}
