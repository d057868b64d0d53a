/**
 * A caller is a program that drives a runtime: Docker, containerd, podman, buildah. Its tests run the real one, with us as
 * its runtime and with runc, which shows that a test is right. Each daemon lives in mount and network namespaces of its
 * own, so that bridges, firewall rules and mounts of it end with it.
 *
 *     driven(docker, 'run passes the exit status on', async (t, caller) => {
 *       t.is((await caller.run(['run', '--rm', 'box', 'sh', '-c', 'exit 3'])).code, 3)
 *     })
 */
import { basename } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Before } from '../harness/leftovers.js'
import { markedCgroups, removeCgroup } from '../harness/machine.js'
import { makeRootfs, noRootfs } from '../harness/rootfs.js'
import { type Runtime, type RuntimeName, runtime, wanted, which } from '../harness/runtime.js'
import { type Finished, type Running, type RunOptions, Session } from '../harness/session.js'
import { until } from '../harness/until.js'

export interface Kind {
  readonly name: string
  /** What has to be installed. */
  readonly programs: readonly string[]
  /** How the caller is called. */
  command(session: Session): readonly string[]
  /** What it needs in its environment, with the path of the runtime. */
  environment?(session: Session, path: string): Readonly<Record<string, string>>
  /** The names of cgroups that the caller itself makes, and may leave behind empty. */
  readonly ownCgroups?: RegExp
  /** Starts its daemon, if it has one, and makes the image `box`. */
  start(caller: Caller): Promise<void>
}

/** A caller with its daemon, its images and one runtime: what all tests of a file share. */
export class Caller {
  readonly session: Session
  private readonly before: Before
  private daemon: Running | undefined
  private containers = 0

  constructor(
    readonly kind: Kind,
    readonly runtime: Runtime,
  ) {
    this.session = new Session(runtime)
    this.before = new Before(this.session)
  }

  /** The runtime's program, as the caller is told. */
  get path(): string {
    return this.runtime.command.at(-1) ?? ''
  }

  /** A fresh name for a container, that shows whose it is. */
  name(): string {
    return this.session.id(`c${++this.containers}`)
  }

  /** The root file system of the image, as a directory. */
  rootfs(): string {
    const path = this.session.path('rootfs')
    makeRootfs(path)
    return path
  }

  spawn(argv: readonly string[], options: RunOptions = {}): Running {
    const env = { ...this.kind.environment?.(this.session, this.path), ...options.env }
    return this.session.start([...this.where, ...this.kind.command(this.session), ...argv], { ...options, env })
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.spawn(argv, options).finished
  }

  /** Runs a command that has to succeed, and returns what it wrote. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options)
    if (code !== 0) throw new Error(`${this.kind.name} ${argv.join(' ')} exited with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** Runs what follows where the daemon is. */
  get where(): readonly string[] {
    return this.daemon === undefined ? [] : ['nsenter', '--mount', '--net', '--target', String(this.daemon.pid)]
  }

  /** Starts the caller's daemon in namespaces of its own, and waits until it answers a command. */
  async startDaemon(command: readonly string[], question: readonly string[]): Promise<void> {
    const namespaces = ['unshare', '--mount', '--net', '--propagation', 'private']
    const script = 'ip link set lo up; exec "$@"'
    const daemon = this.session.start([...namespaces, 'sh', '-ec', script, 'sh', ...command], { patience: 600_000 })
    this.daemon = daemon
    const answers = async (): Promise<boolean> => {
      if (daemon.child.exitCode !== null) throw new Error(daemon.stderr())
      return (await this.run(question)).code === 0
    }
    await until(`${this.kind.name} answers`, answers, 30_000)
  }

  async end(): Promise<string[]> {
    this.daemon?.child.kill('SIGTERM')
    await this.daemon?.finished
    await this.session.endRunning()
    // The cgroup that callers are told to put theirs into is the test's.
    for (const cgroup of markedCgroups(this.session.mark)) {
      const name = basename(cgroup)
      if (name === this.session.mark || this.kind.ownCgroups?.test(name)) removeCgroup(cgroup)
    }
    const remains = await this.before.leftovers()
    this.before.clean()
    return remains
  }
}

const names: readonly RuntimeName[] = ['gantry', 'runc']
const callers = new Map<string, Caller>()

/**
 * Registers a test for each runtime; what all of a file need is started before its first. In `failing`: who is known
 * not to do it here, and why.
 */
export function driven(
  kind: Kind,
  title: string,
  body: (t: ExecutionContext, caller: Caller) => Promise<void>,
  failing: Partial<Record<RuntimeName, string>> = {},
): void {
  for (const name of names.filter((name) => wanted?.includes(name) ?? true)) {
    const absent = kind.programs.filter((program) => which(program) === undefined)
    const reason =
      runtime(name).absent ??
      noRootfs ??
      (absent.length > 0 ? `not installed: ${absent.join(', ')}` : undefined) ??
      (process.geteuid?.() === 0 ? undefined : 'needs root')
    if (reason !== undefined) {
      test.skip(`${kind.name} with ${name}: ${title} (${reason})`, () => undefined)
      continue
    }
    const caller = callerOf(kind, name)
    const known = failing[name]
    if (known === undefined) test.serial(`${kind.name} with ${name}: ${title}`, (t) => body(t, caller))
    else test.serial.failing(`${kind.name} with ${name}: ${title} (${known})`, (t) => body(t, caller))
  }
}

function callerOf(kind: Kind, name: RuntimeName): Caller {
  const known = callers.get(name)
  if (known !== undefined) return known
  const caller = new Caller(kind, runtime(name))
  callers.set(name, caller)
  test.before(`${kind.name} with ${name} starts`, () => kind.start(caller))
  test.after.always(`${kind.name} with ${name} leaves nothing`, async (t) => {
    try {
      t.deepEqual(await caller.end(), [], 'something remains')
    } finally {
      caller.session.remove()
    }
  })
  return caller
}
