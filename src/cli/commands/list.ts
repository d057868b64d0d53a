import { Command, Option } from 'clipanion'
import { listContainers } from '../../lifecycle/list.js'
import { containersRoot } from '../../lifecycle/root.js'
import { GantryCommand } from '../command.js'
import { goJson } from '../json.js'
import { oneLine } from '../log.js'
import { table } from '../table.js'
import { usageError } from '../usage.js'

export class ListCommand extends GantryCommand {
  static override paths = [['list']]
  static override usage = Command.Usage({
    description: 'list the containers',
    details:
      'Those of the directory that --root names before the command. A record that cannot be read is told and passed over.',
    examples: [
      ['Show a table', '$0 list'],
      ['The containers of containerd, for a program', '$0 --root /run/containerd/runc/k8s.io list --format json'],
    ],
  })

  format = Option.String('-f,--format', 'table', { description: 'table or json' })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'only the ids' })

  override async execute(): Promise<void> {
    const { host, globals } = this.session
    if (this.format !== 'table' && this.format !== 'json') throw usageError('invalid format option')
    const { containers, problems } = await listContainers(host, await containersRoot(host, globals.root))
    for (const problem of problems) await host.writeError(`${oneLine(problem)}\n`)
    if (this.quiet) await host.writeOutput(containers.map(({ id }) => `${id}\n`).join(''))
    // A Go program's empty list.
    else if (this.format === 'json') await host.writeOutput(`${goJson(containers.length > 0 ? containers : null)}\n`)
    else {
      const rows = containers.map((one) => [one.id, String(one.pid), one.status, one.bundle, one.created, one.owner])
      await host.writeOutput(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]))
    }
  }
}
