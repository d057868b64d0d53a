import { Command, Option } from 'clipanion'
import { containerPids, processTable } from '../../lifecycle/ps.js'
import { GantryCommand } from '../command.js'
import { goJson } from '../json.js'
import { usageError } from '../usage.js'

export class PsCommand extends GantryCommand {
  static override paths = [['ps']]
  static override stopsAtPositional = true
  static override usage = Command.Usage({
    description: 'list the processes of a container',
    details:
      "Words after the id are options of the host's ps; without any they are -ef. The table has the lines of ps about the container.",
    examples: [
      ['Choose what it shows', '$0 ps web -o pid,pcpu,rss,args'],
      ['Host process ids, for a program', '$0 ps --format json web'],
    ],
  })

  id = Option.String()
  options = Option.Rest()

  format = Option.String('-f,--format', 'table', { description: 'table or json' })

  override async execute(): Promise<void> {
    const { host } = this.session
    if (this.format !== 'table' && this.format !== 'json') throw usageError('invalid format option')
    const container = await this.container(this.id)
    if (this.format === 'table') return await host.writeOutput(await processTable(host, container, this.options))
    const pids = await containerPids(host, container)
    // A Go program's empty list.
    await host.writeOutput(`${goJson(pids.length > 0 ? pids : null)}\n`)
  }
}
