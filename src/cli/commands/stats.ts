import { Command, Option } from 'clipanion'
import type { ContainerRef } from '../../host/host.js'
import { listContainers } from '../../lifecycle/list.js'
import { containersRoot } from '../../lifecycle/root.js'
import { containerStats } from '../../lifecycle/stats.js'
import { GantryCommand } from '../command.js'
import { parseDuration } from '../durations.js'
import { goJson } from '../json.js'
import { heading, type Sample, statsRow } from '../stats-table.js'
import { table } from '../table.js'
import { usageError } from '../usage.js'

export class StatsCommand extends GantryCommand {
  static override paths = [['stats']]
  static override usage = Command.Usage({
    description: 'show what containers use',
    details:
      'One line a container; without ids, all that run. On a terminal the table is drawn anew after each interval, until Ctrl-C. CPU % is of ' +
      'one processor: since the last line, in the first one since the container was created.',
    examples: [
      ['Watch all containers', '$0 stats'],
      ['What one uses now, for a program', '$0 stats --format json web'],
    ],
  })

  ids = Option.Rest({ name: 'id' })

  format = Option.String('-f,--format', 'table', { description: 'table or json' })
  interval = Option.String('--interval', '1s', { description: 'time between two tables on a terminal' })
  noStream = Option.Boolean('--no-stream', false, { description: 'one table, also on a terminal' })

  override async execute(): Promise<void> {
    const { host } = this.session
    if (this.format !== 'table' && this.format !== 'json') throw usageError('invalid format option')
    const interval = parseDuration('--interval', this.interval)
    if (this.format === 'json') {
      const samples = await this.samples()
      return await host.writeOutput(`${goJson(samples.map(({ id, stats }) => ({ id, ...stats })))}\n`)
    }
    let before: readonly Sample[] = []
    for (;;) {
      const samples = await this.samples()
      const earlier = (id: string) => before.find((sample) => sample.id === id)
      const text = table([heading, ...samples.map((sample) => statsRow(sample, earlier(sample.id)))])
      const live = host.caller.stdoutIsTerminal && !this.noStream
      // Home, then each line and all below cleared: no flicker.
      await host.writeOutput(live ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J` : text)
      if (!live) return
      before = samples
      await host.sleep(interval)
    }
  }

  private async samples(): Promise<Sample[]> {
    const { host, globals } = this.session
    if (this.ids.length > 0) return await Promise.all(this.ids.map(async (id) => this.sample(await this.container(id))))
    const root = await containersRoot(host, globals.root)
    const { containers } = await listContainers(host, root)
    const running = containers.filter(({ status }) => status === 'running' || status === 'paused')
    return await Promise.all(running.map(({ id }) => this.sample({ root: root.path, id })))
  }

  private async sample(container: ContainerRef): Promise<Sample> {
    const { host } = this.session
    const { created } = await host.inspect(container)
    return {
      id: container.id,
      created: Date.parse(created),
      at: Date.now(),
      stats: await containerStats(host, container),
    }
  }
}
