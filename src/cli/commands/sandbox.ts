import { Command, Option } from 'clipanion'
import { runSandbox, type SandboxOptions } from '../../lifecycle/sandbox.js'
import { GantryCommand } from '../command.js'
import { exitCodeOf } from '../exit-code.js'
import { parseCount, parseSize } from '../sizes.js'
import { usageError } from '../usage.js'

export class SandboxCommand extends GantryCommand {
  static override paths = [['sandbox']]
  static override stopsAtPositional = true
  static override usage = Command.Usage({
    description: 'run a command that is not trusted, without a bundle',
    details:
      'Its root is a read-only view of this machine; /tmp, /dev, /proc, /sys and /run are its own. It has no network, no capabilities and ' +
      'none of the environment. Any user may run it. The exit status is that of the command.',
    examples: [
      ['Look around', '$0 sandbox -- ls -l /'],
      ['Let a build write to one directory, with limits', '$0 sandbox --writable . --memory 1g --pids 200 -- make'],
    ],
  })
  static override optionGroups = {
    'What it may use': ['--network', '--memory', '--pids', '--cpus'],
    'What it sees': ['--rootfs', '--overlay', '--writable', '--cwd', '--env', '--tty'],
  }

  command = Option.Rest({ required: 1 })

  network = Option.String('--network', 'none', {
    description: 'none, host, that of a container (container:ID), or what a file refers to (ns:PATH)',
  })
  memory = Option.String('--memory', { description: 'bytes, or with k, m, g; swap is not given' })
  pids = Option.String('--pids', { description: 'processes and threads' })
  cpus = Option.String('--cpus', { description: 'processors; 0.5 is half the time of one' })
  rootfs = Option.String('--rootfs', { description: 'a directory as root in place of this machine' })
  overlay = Option.String('--overlay', {
    description: 'let it change that root: the changes go to this directory, or with "memory" nowhere',
  })
  writable = Option.Array('--writable', [], { description: 'a directory that it may write to; repeatable' })
  cwd = Option.String('--cwd', { description: 'where it runs: here, or / with --rootfs' })
  env = Option.Array('-e,--env', [], {
    description: 'a variable; without =VALUE with the value it has here; repeatable',
  })
  tty = Option.Boolean('-t,--tty', false, { description: 'give it a terminal' })

  override async execute(): Promise<number> {
    const { network, memory, pids, cpus, rootfs, overlay, writable, cwd, tty: terminal } = this
    if (overlay !== undefined && rootfs === undefined) throw usageError('--overlay is for a root of its own: --rootfs')
    return exitCodeOf(
      await runSandbox(this.session, {
        args: this.command,
        env: this.environment(),
        network: networkOf(network),
        memory: memory === undefined ? undefined : parseSize('--memory', memory),
        pids: pids === undefined ? undefined : parseCount('--pids', pids),
        cpus: cpus === undefined ? undefined : processors(cpus),
        rootfs,
        overlay: overlay === 'memory' ? true : overlay,
        writable,
        cwd,
        terminal,
        root: this.session.globals.root,
      }),
    )
  }

  private environment(): string[] {
    const { env } = this.session.host.caller
    const terminalType = this.tty && env.TERM !== undefined ? [`TERM=${env.TERM}`] : []
    const given = this.env.map((entry) => (entry.includes('=') ? entry : `${entry}=${env[entry] ?? ''}`))
    return [...terminalType, ...given]
  }
}

function networkOf(text: string): SandboxOptions['network'] {
  if (text === 'none' || text === 'host') return text
  const [, kind, rest = ''] = /^(container|ns):(.+)$/.exec(text) ?? []
  if (kind === undefined) throw usageError(`invalid network: ${text} (one of none, host, container:ID, ns:PATH)`)
  return { join: kind === 'ns' ? { path: rest } : { id: rest } }
}

function processors(text: string): number {
  const number = Number(text)
  if (!/^[0-9]*\.?[0-9]+$/.test(text) || number <= 0) throw usageError(`invalid number "${text}" for --cpus`)
  return number
}
