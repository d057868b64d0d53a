/** All commands, by their names, in the order in which help lists them. */
import type { CommandType } from '../command.js'
import { CreateCommand } from './create.js'
import { DeleteCommand } from './delete.js'
import { DoctorCommand } from './doctor.js'
import { EventsCommand } from './events.js'
import { ExecCommand } from './exec.js'
import { FeaturesCommand } from './features.js'
import { KillCommand } from './kill.js'
import { ListCommand } from './list.js'
import { MountsCommand } from './mounts.js'
import { PauseCommand } from './pause.js'
import { PsCommand } from './ps.js'
import { ResumeCommand } from './resume.js'
import { RunCommand } from './run.js'
import { SandboxCommand } from './sandbox.js'
import { SpecCommand } from './spec.js'
import { StartCommand } from './start.js'
import { StateCommand } from './state.js'
import { StatsCommand } from './stats.js'
import { UpdateCommand } from './update.js'

export const commands: Readonly<Record<string, CommandType>> = {
  sandbox: SandboxCommand,
  run: RunCommand,
  create: CreateCommand,
  start: StartCommand,
  state: StateCommand,
  exec: ExecCommand,
  kill: KillCommand,
  delete: DeleteCommand,
  list: ListCommand,
  ps: PsCommand,
  pause: PauseCommand,
  resume: ResumeCommand,
  update: UpdateCommand,
  mounts: MountsCommand,
  stats: StatsCommand,
  events: EventsCommand,
  spec: SpecCommand,
  features: FeaturesCommand,
  doctor: DoctorCommand,
}
