/**
 * What the orchestrator may ask of the machine, in the words of the task. Start here to see where TypeScript ends.
 *
 * Implemented by node.ts (the napi addon), quickjs.ts (the static binary) and fake.ts (tests). Every verb that touches
 * the machine is one function of crates/engine/src/verbs.rs and fails with a {@link HostFailure}, never with anything else.
 * This file imports nothing but the plan's types.
 */
import type { ExecPlan, Failure, LaunchPlan, MountsPlan, UpdatePlan } from './plan.js'

/** A value, or a promise of it: the static host answers at once, Node off its event loop. */
export type Awaitable<T> = T | PromiseLike<T>

/** The process that we are: read once, at the top, and passed down. */
export interface Caller {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly pid: number
  /** Whether standard error is a terminal. */
  readonly stderrIsTerminal: boolean
  readonly stdoutIsTerminal: boolean
  readonly stdinIsTerminal: boolean
}

/** What was asked of the machine, once, before planning. */
export interface Facts {
  /** uname(2)'s release: `6.18.0`. */
  readonly kernel: string
  readonly euid: number
  readonly egid: number
  /** Whether we are in a user namespace other than the first. */
  readonly inUserNamespace: boolean
  /** The numbers of our effective capabilities (capabilities(7)). */
  readonly capabilities: readonly number[]
  /** The cgroup hierarchies that are mounted, and where in each we are. */
  readonly cgroups: readonly CgroupHierarchy[]
  /** Where the file system resctrl is mounted, if it is. */
  readonly resctrl?: string
}

/** A mounted cgroup hierarchy. A v2 hierarchy beside v1 ones makes the layout hybrid. */
export interface CgroupHierarchy {
  /** Where it is mounted: `/sys/fs/cgroup/memory`. */
  readonly mount: string
  readonly version: 1 | 2
  /** v1: the controllers, or `name=systemd`. v2: what cgroup.controllers of the mount's root lists. */
  readonly controllers: readonly string[]
  /** Our own cgroup in it, relative to `mount`, with a leading slash: `/user.slice`. */
  readonly own: string
  /** v2: what the whole hierarchy is mounted with, none if missing: `nsdelegate`. */
  readonly options?: readonly string[]
}

/** Names a container: the directory of all records, and its id. */
export interface ContainerRef {
  readonly root: string
  readonly id: string
}

/** The file that holds the configuration that a container was made from: what its bundle holds may have changed since. */
export function savedConfig({ root, id }: ContainerRef): string {
  return `${root}/${id}/config.json`
}

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/** A container as its record and the kernel describe it now. */
export interface Inspection {
  readonly id: string
  readonly status: Status
  /** The host pid of init; 0 when it is gone. */
  readonly pid: number
  readonly ociVersion: string
  readonly bundle: string
  readonly rootfs: string
  /** RFC 3339. */
  readonly created: string
  /** The uid that owns the record. */
  readonly owner: number
  readonly annotations: Readonly<Record<string, string>>
}

/** A directory in the root whose record can't be read. */
export interface BrokenRecord {
  readonly id: string
  readonly failure: Failure
}

/** A container's init, or another process of it, as this process holds it. Numbers of descriptors; `supervise`, `awaitReady` and `close` end them. */
export interface Launched {
  readonly pid: number
  readonly pidfd: number
  /** The pty master, with a terminal and no console socket. */
  readonly console?: number
  /** Names in `linux.seccomp` of system calls that this machine doesn't have. */
  readonly unknownCalls?: readonly string[]
}

/** How a process ended: exactly one of the two is set. */
export interface ExitStatus {
  readonly exitCode?: number
  readonly signal?: number
}

export interface ToDestroy extends ContainerRef {
  readonly force: boolean
  /** Files of its cgroup whose last words are wanted. */
  readonly files?: readonly string[]
}

export interface Destroyed {
  /** Of hooks poststop that failed. */
  readonly warnings: readonly Failure[]
  /** The last words, where there was a cgroup. */
  readonly cgroup?: CgroupTexts
}

export interface Supervision extends ContainerRef {
  /** Of init, or of a process that `exec` has started. */
  readonly pid: number
  readonly pidfd: number
  /** The pty master to copy from and to our own terminal, in raw mode, with its size followed. */
  readonly console?: number
  /** From `start`: forward what the container's service says to the socket that systemd gave us. */
  readonly notifier?: number
  /** Adopt orphans of the container (PR_SET_CHILD_SUBREAPER) while we wait. */
  readonly subreaper: boolean
  /** Forward the signals that we get (all but SIGCHLD, SIGURG; SIGWINCH resizes) to the process. */
  readonly forwardSignals: boolean
}

/** What a program of the host wrote, and whether its exit status was 0. */
export interface ProgramOutput {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/** Texts of cgroup files by name: of the v1 hierarchies together, and of the v2 one. */
export interface CgroupTexts {
  readonly v1: Readonly<Record<string, string>>
  readonly v2: Readonly<Record<string, string>>
}

/** What was heard of a container's want of memory. */
export interface OomNews {
  /** It ended a process since, or stopped one where disableOOMKiller is set. */
  readonly oom: boolean
  /** How many processes were killed so far. */
  readonly kills: number
  /** There is no process of the container any more. */
  readonly ended: boolean
}

/** What a verb throws: the failed step, its object and errno. */
export class HostFailure extends Error {
  override readonly name = 'HostFailure'
  readonly step: string
  readonly object: string
  readonly errno: number
  /** What else has to do with it: the interpreter of the object, for example. */
  readonly detail?: string
  /** What else went wrong and stopped nothing: hooks that ran when the container was removed. */
  readonly warnings: readonly Failure[]

  constructor(failure: Failure, warnings: readonly Failure[] = []) {
    super(`${failure.step} ${failure.object}`)
    this.step = failure.step
    this.object = failure.object
    this.errno = failure.errno
    this.detail = failure.detail ?? undefined
    this.warnings = warnings
  }
}

/** A log that is no file. */
export interface SystemLog {
  readonly service: 'journald' | 'syslog'
  /** Who says it. */
  readonly identifier: string
}

export interface LogMessage {
  /** Of syslog(3): 0…7. */
  readonly priority: number
  /** One line. */
  readonly text: string
  /** What else there is to say, by names; the journal has them. */
  readonly fields: Readonly<Record<string, string>>
}

export interface Host {
  readonly caller: Caller

  /** Without `cgroups` the hierarchies are left out: finding them takes longest. */
  facts(cgroups?: boolean): Awaitable<Facts>

  /** The text of a file of at most 16 MiB, in UTF-8. */
  readText(path: string): Awaitable<string>
  /** Standard input, to its end, with the same limit. */
  readInput(): Awaitable<string>
  /** Makes a file that must not exist, with mode 0666 less the umask. */
  createText(path: string, text: string): Awaitable<void>
  /** Whether `path` is a directory, after following links; a missing one is `false`. */
  isDirectory(path: string): Awaitable<boolean>

  /** One write(2) where that is possible. */
  writeOutput(text: string): Awaitable<void>
  writeError(text: string): Awaitable<void>
  /** Appends to a log file, made with mode 0644 if it is missing: one write(2). */
  appendLog(path: string, text: string): Awaitable<void>
  /** Tells a service; without a message, only sees whether it is there. */
  sendLog(request: SystemLog & { readonly message?: LogMessage }): Awaitable<void>

  /**
   * Carries a plan out: record, cgroup, init. Returns when init waits at the gate, or has become the program in a plan
   * without one. After a failure nothing is left: no record, cgroup, process. `config` is the text of the configuration, which
   * is kept beside the record, as {@link savedConfig}.
   */
  launch(plan: LaunchPlan, config: string): Awaitable<Launched>
  /**
   * Starts another process in a container, and returns when it has become its program; after a failure there is none. Fails with
   * step `exec in container`: ESRCH when init is gone, EBUSY when the container is paused.
   */
  exec(plan: ExecPlan): Awaitable<Launched>
  /**
   * Opens the gate of a created container and returns when the program runs. With `notifySocket`, the container's sd_notify
   * socket is made first, and a descriptor for `supervise` or `awaitReady` comes back. When a hook fails, the container is removed.
   */
  start(container: ContainerRef & { readonly notifySocket?: string }): Awaitable<{ readonly notifier?: number }>
  /** Forwards sd_notify messages until the service is READY or init is gone. */
  awaitReady(request: ContainerRef & { readonly notifier: number; readonly pid: number }): Awaitable<void>
  /** Waits for a container's init or another process of it, which is our child, and does meanwhile what {@link Supervision} says. */
  supervise(request: Supervision): Awaitable<ExitStatus>

  /** Fails with step `find container` and ENOENT where there is none. */
  inspect(container: ContainerRef): Awaitable<Inspection>
  /** The containers of a root, in the order of their ids; an empty list with `missing` where there is no such directory. */
  list(
    root: string,
  ): Awaitable<{ readonly missing: boolean; readonly containers: readonly (Inspection | BrokenRecord)[] }>
  /**
   * Stops all processes of a created or running container, and returns when they stand still. Fails with step
   * `pause container` and ESRCH when it is neither.
   */
  freeze(container: ContainerRef): Awaitable<void>
  /** Lets them go on. Fails with step `resume container` and EINVAL when the container is not paused. */
  thaw(container: ContainerRef): Awaitable<void>
  /** The host pids of all processes of a container, ascending; empty when it has none. */
  processes(container: ContainerRef): Awaitable<readonly number[]>
  /** Runs a program of the host, looked up in PATH, to its end. */
  runProgram(argv: readonly string[]): Awaitable<ProgramOutput>
  /** The container's linux.resources as JSON: as it was launched, and what updates made of them; null for none. */
  resources(container: ContainerRef): Awaitable<string | null>
  /**
   * Carries an update out, all of it or nothing. Fails with step `update container`: ESRCH when the container is stopped, EAGAIN
   * when another update came since the plan was made.
   */
  update(plan: UpdatePlan): Awaitable<void>
  /**
   * Changes what is mounted in a container, all of it or nothing, after which the text of its {@link savedConfig} is `config`. Fails with
   * step `change mounts of container`: ESRCH when init is gone, EAGAIN when another change came since the plan was made.
   */
  changeMounts(plan: MountsPlan, config: string): Awaitable<void>
  /** Files of the container's cgroup, as far as they are there; a name that ends with `*` stands for all that begin so. */
  readCgroup(request: ContainerRef & { readonly files: readonly string[] }): Awaitable<CgroupTexts>
  /**
   * Waits until more than `since` processes were killed for want of memory, until there is none left, or for `timeout`
   * milliseconds.
   */
  awaitOom(request: ContainerRef & { readonly since: number; readonly timeout: number }): Awaitable<OomNews>
  sleep(milliseconds: number): Awaitable<void>
  /** Sends a signal to init, or to every process of the container. Fails with ESRCH when it has none. */
  signal(request: ContainerRef & { readonly signal: number; readonly all: boolean }): Awaitable<void>
  /**
   * Removes a container: its processes (only with `force`, or when it is merely created), cgroup, record.
   * Without `force`, fails with step `delete container` and EBUSY while it runs. Works from the intent record alone.
   * Its hooks poststop run.
   */
  destroy(request: ToDestroy): Awaitable<Destroyed>
  /** Closes a descriptor that `launch` or `start` returned. */
  close(descriptor: number): Awaitable<void>
}
