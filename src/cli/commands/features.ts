import { Command } from 'clipanion'
import { features } from '../../lifecycle/features.js'
import { GantryCommand } from '../command.js'
import { goJson } from '../json.js'

export class FeaturesCommand extends GantryCommand {
  static override paths = [['features']]
  static override usage = Command.Usage({
    description: 'print what this runtime can do as JSON',
    details:
      'The document is the one of the OCI runtime specification. It depends on no container and needs no privilege.',
    examples: [
      ['Show everything', '$0 features'],
      ['The namespaces that a config may ask for', '$0 features | jq .linux.namespaces'],
    ],
  })

  override async execute(): Promise<void> {
    await this.session.host.writeOutput(`${goJson(features(), 4)}\n`)
  }
}
