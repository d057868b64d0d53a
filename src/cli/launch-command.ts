/** The options that `create` and `run` share. */
import { Option } from 'clipanion'
import type { LaunchOptions } from '../lifecycle/launch.js'
import { GantryCommand } from './command.js'
import { count } from './usage.js'

export abstract class LaunchCommand extends GantryCommand {
  static override optionGroups = {
    'Terminal and descriptors': ['--console', '--console-socket', '--preserve-fds'],
    'For the caller': ['--pid-file', '--pidfd-socket'],
  }

  id = Option.String()

  bundle = Option.String('-b,--bundle', '.', { description: 'directory of config.json; the current one by default' })
  config = Option.String('-f,--config', { description: 'file to use in place of config.json in the bundle' })
  pidFile = Option.String('--pid-file', { description: 'file to write the process id of the container to' })
  pidfdSocket = Option.String('--pidfd-socket', { description: 'unix socket to send a pidfd of the container to' })
  console = Option.String('--console', { description: 'pty slave to use as the terminal of the container' })
  consoleSocket = Option.String('--console-socket', {
    description: 'unix socket to send the master of the terminal to',
  })
  preserveFds = Option.String('--preserve-fds', '0', { description: 'how many descriptors from 3 on to pass as well' })
  noPivot = Option.Boolean('--no-pivot', false, { description: 'use chroot, not pivot_root: for a root on a ramdisk' })
  noNewKeyring = Option.Boolean('--no-new-keyring', false, { description: 'stay in the session keyring of the caller' })

  protected launchOptions(): LaunchOptions {
    const { bundle, config, pidFile, pidfdSocket, console, consoleSocket, noPivot, noNewKeyring } = this
    const preserveFds = count('preserve-fds', this.preserveFds)
    const { systemdCgroup } = this.session.globals
    return {
      bundle,
      config,
      pidFile,
      pidfdSocket,
      console,
      consoleSocket,
      noPivot,
      noNewKeyring,
      preserveFds,
      systemdCgroup,
    }
  }
}
