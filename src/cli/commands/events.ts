import { Command, Option } from 'clipanion'
import { checkRunning, happenings, runcStats } from '../../lifecycle/stats.js'
import { GantryCommand } from '../command.js'
import { parseDuration } from '../durations.js'
import { goJsonLine } from '../json.js'

export class EventsCommand extends GantryCommand {
  static override paths = [['events']]
  static override usage = Command.Usage({
    description: 'print what a container uses and what happens to it, as JSON',
    details:
      'A line of statistics after each interval, and one of type oom when a process was killed for want of memory, until the container has ' +
      'no process any more. The documents are those of runc.',
    examples: [
      ['Follow a container', '$0 events --interval 1s web'],
      ['What it uses now', '$0 events --stats web | jq .data.memory.usage'],
    ],
  })

  id = Option.String()

  interval = Option.String('--interval', '5s', { description: 'time between two lines of statistics' })
  stats = Option.Boolean('--stats', false, { description: 'one line of statistics, and no more' })

  override async execute(): Promise<void> {
    const { host } = this.session
    const interval = parseDuration('--interval', this.interval)
    const container = await this.container(this.id)
    await checkRunning(host, container)
    const tell = (type: string, data?: unknown) =>
      host.writeOutput(`${goJsonLine({ type, id: container.id, ...(data !== undefined && { data }) })}\n`)
    if (this.stats) return await tell('stats', await runcStats(host, container))
    for await (const happening of happenings(host, container, { interval, patience: 60_000 })) {
      if (happening === 'oom') await tell('oom')
      else await tell('stats', await runcStats(host, container))
    }
  }
}
