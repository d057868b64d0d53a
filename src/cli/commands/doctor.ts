import { Command, Option } from 'clipanion'
import { GantryError } from '../../errors.js'
import { diagnose } from '../../lifecycle/doctor.js'
import { runSandbox } from '../../lifecycle/sandbox.js'
import { formatJson } from '../../spec/json.js'
import { GantryCommand } from '../command.js'
import { usageError } from '../usage.js'

export class DoctorCommand extends GantryCommand {
  static override paths = [['doctor']]
  static override usage = Command.Usage({
    description: 'tell what this machine can and cannot do',
    details:
      'Looks at the kernel, user namespaces, id ranges, cgroups, seccomp and the rest, and runs a command in a sandbox. Each line has what ' +
      'can be done about it. The exit status is 1 when something fails.',
    examples: [
      ['Look', '$0 doctor'],
      ['What fails, for a program', '$0 doctor --format json | jq .checks'],
    ],
  })

  format = Option.String('-f,--format', 'text', { description: 'text or json' })

  override async execute(): Promise<number> {
    const { format } = this
    if (format !== 'text' && format !== 'json') throw usageError(`invalid format: ${format} (one of text, json)`)
    const { host, globals } = this.session
    const diagnosis = await diagnose(host, async () => {
      const options = { args: ['true'], env: [], writable: [], network: 'none', cwd: '/', root: globals.root } as const
      const { exitCode } = (await runSandbox(this.session, options)) ?? {}
      if (exitCode !== 0) throw new GantryError('ERR_START', 'a command in it failed')
    })
    const lines = diagnosis.checks.flatMap(({ id, status, detail, hint }) => [
      `${status.padEnd(6)}${id.padEnd(18)}${detail}`,
      ...(hint === undefined ? [] : [`${' '.repeat(24)}${hint}`]),
    ])
    await host.writeOutput(format === 'json' ? `${formatJson(diagnosis)}\n` : `${lines.join('\n')}\n`)
    return diagnosis.ok ? 0 : 1
  }
}
