import { Command, Option } from 'clipanion'
import { execInContainer } from '../../lifecycle/exec.js'
import { GantryCommand } from '../command.js'
import { exitCodeOf } from '../exit-code.js'
import { count, usageError } from '../usage.js'

export class ExecCommand extends GantryCommand {
  static override paths = [['exec']]
  static override stopsAtPositional = true
  static override usage = Command.Usage({
    description: 'run another process in a container',
    details:
      'The process is as the container’s own, as the container was created, but for its command, its terminal, and what the options ' +
      'say. In the foreground, signals are passed on and the exit status is that of the process (128 and the signal when one ' +
      'ended it); 255 says that it could not be started.',
    examples: [
      ['Look around in a container', '$0 exec --tty web sh'],
      ['Run something as another user', '$0 exec --user 1000:1000 --cwd /srv web ls -l'],
    ],
  })
  static override optionGroups = {
    'The process': [
      '--process',
      '--cwd',
      '--env',
      '--user',
      '--additional-gids',
      '--cap',
      '--no-new-privs',
      '--apparmor',
      '--process-label',
    ],
    'Terminal and descriptors': ['--tty', '--console-socket', '--preserve-fds'],
    'For the caller': ['--detach', '--pid-file', '--pidfd-socket', '--no-subreaper'],
  }

  override readonly failure = 255

  id = Option.String()
  args = Option.Rest()

  process = Option.String('-p,--process', { description: 'file with the whole process section, in place of a command' })
  cwd = Option.String('--cwd', { description: 'working directory' })
  env = Option.Array('-e,--env', [], { description: 'a variable for the environment; may be repeated' })
  user = Option.String('-u,--user', { description: 'numeric ids of the user and the group: UID or UID:GID' })
  additionalGids = Option.Array('-g,--additional-gids', [], { description: 'a further group; may be repeated' })
  cap = Option.Array('-c,--cap', [], { description: 'a further capability; may be repeated' })
  noNewPrivs = Option.Boolean('--no-new-privs', false, { description: 'gain no privileges by execve' })
  apparmor = Option.String('--apparmor', { description: 'AppArmor profile to confine it by' })
  processLabel = Option.String('--process-label', { description: 'SELinux label to give it' })
  tty = Option.Boolean('-t,--tty', { description: 'give it a terminal' })
  consoleSocket = Option.String('--console-socket', {
    description: 'unix socket to send the master of the terminal to',
  })
  preserveFds = Option.String('--preserve-fds', '0', { description: 'how many descriptors from 3 on to pass as well' })
  detach = Option.Boolean('-d,--detach', false, { description: 'return when the program runs' })
  pidFile = Option.String('--pid-file', { description: 'file to write its process id to' })
  pidfdSocket = Option.String('--pidfd-socket', { description: 'unix socket to send a pidfd of it to' })
  noSubreaper = Option.Boolean('--no-subreaper', false, { description: 'do not adopt orphans of the container' })
  cgroup = Option.Array('--cgroup', [], {
    description: 'cgroup below the container’s to run it in: PATH, or CONTROLLER[,CONTROLLER]:PATH; may be repeated',
  })
  ignorePaused = Option.Boolean('--ignore-paused', false, {
    description: 'do not refuse a paused container: the process starts when it is resumed',
  })

  override async execute(): Promise<number> {
    const { process, args, cwd, env, detach, pidFile, pidfdSocket, consoleSocket, noSubreaper, ignorePaused } = this
    const container = await this.container(this.id)
    const wrong = env.find((variable) => variable.indexOf('=') < 1)
    if (wrong !== undefined) throw usageError(`invalid environment variable "${wrong}": expected NAME=value`)
    const status = await execInContainer(this.session, container, {
      process,
      args,
      cwd,
      env,
      user: readUser(this.user),
      additionalGids: this.additionalGids.map((group) => readId('additional-gids', group)),
      capabilities: this.cap,
      noNewPrivileges: this.noNewPrivs,
      apparmorProfile: this.apparmor,
      selinuxLabel: this.processLabel,
      terminal: this.tty,
      detach,
      ignorePaused,
      cgroups: this.cgroup,
      pidFile,
      consoleSocket,
      pidfdSocket,
      preserveFds: count('preserve-fds', this.preserveFds),
      noSubreaper,
    })
    return exitCodeOf(status)
  }
}

/** Numbers only: a name would be looked up in a file of the container. */
function readUser(text: string | undefined): { uid: number; gid?: number } | undefined {
  if (text === undefined) return undefined
  const [uid = '', gid, ...more] = text.split(':')
  if (more.length > 0) throw usageError(`invalid user "${text}": expected UID or UID:GID`)
  return { uid: readId('user', uid), ...(gid !== undefined && { gid: readId('user', gid) }) }
}

/** An id that exists: the last number of 32 bits says "leave it" to setresuid(2). */
function readId(option: string, text: string): number {
  const id = count(option, text)
  if (id >= 0xffffffff) throw usageError(`invalid id "${text}" for --${option}: the largest is 4294967294`)
  return id
}
