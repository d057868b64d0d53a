/** What all commands have in common. A command is one file of commands/: its options, its manual text, a hand-over to lifecycle/. */
import { Command, type CommandClass, Option } from 'clipanion'
import type { ContainerRef } from '../host/host.js'
import type { Context } from '../lifecycle/context.js'
import { containerRef } from '../lifecycle/id.js'
import { eachMatching } from '../lifecycle/match.js'
import { containersRoot } from '../lifecycle/root.js'
import type { Globals } from './globals.js'

/** One call of the program. */
export interface Session extends Context {
  readonly globals: Globals
}

export abstract class GantryCommand extends Command {
  /** Options end at the first word that is none: the words from there on are somebody else's command line. */
  static stopsAtPositional = false

  /** How help groups the options: headings and long names. The others stand first. */
  static optionGroups: Readonly<Record<string, readonly string[]>> = {}

  /** The exit code after an error. */
  readonly failure: number = 1

  /** Set before `execute`, as clipanion sets its own fields. */
  declare session: Session

  /** The container of this id in the root that applies. */
  protected async container(id: string): Promise<ContainerRef> {
    const { host, globals } = this.session
    // The id is checked first: it costs nothing, and the root may ask the machine.
    const { id: checked } = containerRef('', id)
    return { root: (await containersRoot(host, globals.root)).path, id: checked }
  }
}

/** A command for one container, or with --regex for all whose ids match. */
export abstract class EachCommand extends GantryCommand {
  id = Option.String()

  regex = Option.Boolean('-r,--regex', false, { description: 'the id is a regular expression: each that it matches' })

  protected async each(action: (container: ContainerRef) => Promise<void>): Promise<void> {
    if (!this.regex) return await action(await this.container(this.id))
    const { host, globals } = this.session
    await eachMatching(host, (await containersRoot(host, globals.root)).path, this.id, action)
  }
}

/** A command's class. */
export interface CommandType extends CommandClass {
  new (): GantryCommand
  readonly stopsAtPositional: boolean
  readonly optionGroups: Readonly<Record<string, readonly string[]>>
}
