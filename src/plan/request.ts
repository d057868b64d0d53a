/** What a caller wants of a new container beside its config.json: the options of `create` and `run`, resolved. */

/** What a service manager passed to us for the container: sd_listen_fds(3). */
export interface Activation {
  /** How many descriptors, from 3. */
  readonly listenFds: number
  /** Their names as the service manager gave them: `LISTEN_FDNAMES`. */
  readonly listenFdNames?: string
}

export interface Request extends Activation {
  /** The directory of all containers' records, absolute. */
  readonly root: string
  readonly id: string
  /** Absolute. */
  readonly bundle: string
  /** The config's `root.path`, made absolute. */
  readonly rootfs: string
  /** Now, as RFC 3339. */
  readonly created: string
  /** Wait for `start` before the program runs: `create`. */
  readonly gate: boolean
  /** Nobody means to start it: it is there for others to be executed in, and need not have its program. */
  readonly idle?: boolean
  /** Absolute. */
  readonly pidFile?: string
  /** A pty slave that becomes the container's terminal: `--console`. */
  readonly console?: string
  /** A socket that gets the master of a new pty: `--console-socket`. */
  readonly consoleSocket?: string
  /** The master of a new pty is for a program that shows it in its own way, not to be joined to our terminal. */
  readonly plainTerminal?: boolean
  /** A socket that gets a pidfd of init: `--pidfd-socket`. */
  readonly pidfdSocket?: string
  /** chroot(2) in place of pivot_root(2), for a root on a ramdisk. */
  readonly noPivot: boolean
  /** Stay in the caller's session keyring. */
  readonly noNewKeyring: boolean
  /** How many descriptors the container gets after the activated ones. */
  readonly preserveFds: number
  /** Give the container a socket for sd_notify(3). */
  readonly notify: boolean
  /** Our descriptors that become 0, 1 and 2; -1 is one that is not open. */
  readonly stdio: readonly [number, number, number]
  /** Our descriptors, by their numbers, that it gets after those. */
  readonly fds?: readonly number[]
  /** `cgroupsPath` names a systemd slice and scope. */
  readonly systemdCgroup: boolean
  /**
   * Make the root and all that is mounted below it read-only before anything is mounted in it:
   * for a view of this machine, whose mounts must not be written through.
   */
  readonly readonlyView: boolean
  /** Show the files of the root with the container's ids, in its new user namespace: those of its root belong to root here. */
  readonly rootIds?: boolean
  /** What is changed in the root goes to this directory, absolute, or is kept in memory. */
  readonly overlay?: string | true
}
