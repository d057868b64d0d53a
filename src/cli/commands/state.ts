import { Command, Option } from 'clipanion'
import { containerState } from '../../lifecycle/state.js'
import { GantryCommand } from '../command.js'
import { goJson } from '../json.js'

export class StateCommand extends GantryCommand {
  static override paths = [['state']]
  static override usage = Command.Usage({
    description: 'print the state of a container as JSON',
    details: 'The document is the one of the OCI runtime specification; pid is 0 for a stopped container.',
    examples: [
      ['Show a container', '$0 state web'],
      ['Read its process id', '$0 state web | jq .pid'],
    ],
  })

  id = Option.String()

  override async execute(): Promise<void> {
    const { host } = this.session
    await host.writeOutput(goJson(await containerState(host, await this.container(this.id)), 2))
  }
}
