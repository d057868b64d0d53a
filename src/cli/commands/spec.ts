import { Command, Option } from 'clipanion'
import { writeSpec } from '../../lifecycle/spec.js'
import { GantryCommand } from '../command.js'

export class SpecCommand extends GantryCommand {
  static override paths = [['spec']]
  static override usage = Command.Usage({
    description: 'write a config.json to begin with',
    details:
      'The container runs sh in a terminal, in the directory rootfs beside the file. A file that is there is left as it is.',
    examples: [
      ['Make a bundle of a root file system in ./rootfs', '$0 spec'],
      ['One for a user without privileges, elsewhere', '$0 spec --rootless --bundle /srv/web'],
    ],
  })

  bundle = Option.String('-b,--bundle', '.', { description: 'directory to write it to' })
  rootless = Option.Boolean('--rootless', false, { description: 'for a user without privileges' })

  override async execute(): Promise<void> {
    await writeSpec(this.session.host, this.bundle, this.rootless)
  }
}
