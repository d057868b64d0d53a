/**
 * A session is what a test has of a shell: a directory of its own, bundles in it, and a runtime to call.
 *
 *     const id = session.id()
 *     session.bundle({ args: ['sh', '-c', 'exit 3'] })
 *     t.is((await session.run(['run', id])).code, 3)
 *
 * Commands run in the latest bundle's directory. Their output goes to files, because a created container keeps what
 * `create` had as its standard streams, and a pipe would never end.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describeProcess, isAlive, markedProcesses } from './machine.js'
import { makeRootfs } from './rootfs.js'
import { plainEnv, type Runtime } from './runtime.js'
import { defaultSpec, type Spec } from './spec.js'
import { slowness, until } from './until.js'

/** How long a command may take, in milliseconds, where its options don't say otherwise. */
const usualPatience = 30_000 * slowness

/** The cgroup driver that is tested: cgroupfs, or `systemd` where TEST_CGROUP_DRIVER says so. */
export const driver: readonly string[] = process.env.TEST_CGROUP_DRIVER === 'systemd' ? ['--systemd-cgroup'] : []

export interface BundleOptions {
  readonly args?: readonly string[]
  /** The last word on config.json. */
  readonly edit?: (spec: Spec) => void
  /** The text of config.json, in place of all that. */
  readonly text?: string
  /** The name of the bundle's directory. */
  readonly name?: string
  /** Gets the path of the root file system, to add to it. */
  readonly rootfs?: (path: string) => void
}

export interface RunOptions {
  /** Options before the command; the state directory of the session if not given. */
  readonly global?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What to run the runtime through: `['setpriv', '--reuid', '1000', …]`. */
  readonly through?: readonly string[]
  /** Text for standard input, which is empty otherwise. */
  readonly input?: string
  /** How long the command may take, in milliseconds. */
  readonly patience?: number
}

export interface Finished {
  /** The exit status, 128 and the signal's number for a signal. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** What stderr says in words: runc wraps it in a log line and quotes what is in it. */
  readonly message: string
}

/** A command that goes on while the test does. */
export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  /** What it wrote so far. */
  stdout(): string
  stderr(): string
  readonly finished: Promise<Finished>
}

export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: string
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly owner: string
  readonly annotations?: Readonly<Record<string, string>>
}

let sessions = 0
const processName = `gantry-test-${process.pid}-${randomBytes(3).toString('hex')}`

export class Session {
  readonly mark = `${processName}-${String(++sessions).padStart(3, '0')}`
  /** The session's directory. */
  readonly dir = `/tmp/${this.mark}`
  /** The directory of the containers' records. */
  readonly root = `${this.dir}/state`
  /** A directory that no container may touch. */
  readonly canary = `${this.dir}/canary`
  readonly stateRoots: string[] = [this.root]
  /** The latest bundle's directory, in which commands run. */
  cwd = this.dir
  /** What every command goes through, where its options don't say otherwise. */
  through: readonly string[] = []
  private readonly output = `${this.dir}/output`
  private readonly own = new Set(['canary', 'output', 'state'])
  private readonly running = new Set<Running>()
  private commands = 0

  constructor(readonly runtime: Runtime) {
    for (const directory of [this.dir, this.canary, this.output]) mkdirSync(directory)
    writeFileSync(`${this.canary}/sings`, 'keep')
    mkdirSync(`${this.canary}/perch`)
  }

  /** The id of a container of this session. */
  id(name = 'c'): string {
    return `${this.mark}-${name}`
  }

  /** A path in the session's directory for a file or directory that the test makes. */
  path(name: string): string {
    this.own.add(name.split('/')[0] ?? name)
    return `${this.dir}/${name}`
  }

  /** Makes a file of the test's own. */
  file(name: string, text = ''): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  /** Makes a directory of the test's own. */
  directory(name: string): string {
    mkdirSync(this.path(name), { recursive: true })
    return this.path(name)
  }

  /** Makes a bundle, and goes there. */
  bundle({ args = ['true'], edit, text, name = 'bundle', rootfs }: BundleOptions = {}): string {
    this.own.add(name)
    this.cwd = `${this.dir}/${name}`
    rmSync(this.cwd, { recursive: true, force: true })
    makeRootfs(`${this.cwd}/rootfs`)
    rootfs?.(`${this.cwd}/rootfs`)
    const spec = defaultSpec(args)
    edit?.(spec)
    writeFileSync(`${this.cwd}/config.json`, text ?? JSON.stringify(spec, undefined, 2))
    return this.cwd
  }

  /** Lets any user into the session's directory, and write where the session writes. */
  openToEveryone(): void {
    for (const directory of [this.dir, this.output]) chmodSync(directory, 0o777)
  }

  /** Starts a command line that need not be the runtime's. */
  start(
    command: readonly string[],
    { env = {}, cwd = this.cwd, input, patience = usualPatience }: RunOptions = {},
  ): Running {
    const file = `${this.output}/${++this.commands}`
    // Not /dev/null: crun 1.8 gives its standard streams to the container's user.
    writeFileSync(`${file}.in`, input ?? '')
    const stdio = [
      openSync(`${file}.in`, 'r'),
      openSync(`${file}.out`, 'w', 0o666),
      openSync(`${file}.err`, 'w', 0o666),
    ]
    const [program = '', ...args] = command
    const child = spawn(program, args, { cwd, env: { ...plainEnv, GANTRY_TEST: this.mark, ...env }, stdio })
    for (const descriptor of stdio) closeSync(descriptor)
    const text = (suffix: string) => (): string => readFileSync(`${file}.${suffix}`, 'utf8')
    const running: Running = {
      child,
      pid: child.pid ?? 0,
      stdout: text('out'),
      stderr: text('err'),
      finished: new Promise((resolve, reject) => {
        let late: Error | undefined
        const timer = setTimeout(() => {
          const processes = markedProcesses(this.mark, new Set([process.pid])).map(describeProcess)
          late = new Error(`${command.join(' ')} did not end within ${patience} ms; there are ${processes.join(', ')}`)
          child.kill('SIGKILL')
        }, patience)
        child.once('error', (error) => {
          clearTimeout(timer)
          this.running.delete(running)
          reject(error)
        })
        child.once('exit', (code, signal) => {
          clearTimeout(timer)
          this.running.delete(running)
          const stderr = running.stderr()
          if (late) return reject(late)
          resolve({
            code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'],
            stdout: running.stdout(),
            stderr,
            message: stderr.replaceAll('\\"', '"'),
          })
        })
      }),
    }
    this.running.add(running)
    // Who awaits it gets the error; a test that has failed by then does not.
    running.finished.catch(() => undefined)
    return running
  }

  /** The runtime's whole command line. */
  commandLine(
    argv: readonly string[],
    { global = ['--root', this.root, ...driver], through = this.through }: RunOptions = {},
  ): string[] {
    return [...through, ...this.runtime.command, ...global, ...argv]
  }

  /** Starts the runtime and goes on. */
  spawn(argv: readonly string[], options: RunOptions = {}): Running {
    return this.start(this.commandLine(argv, options), { ...options, env: { ...this.runtime.env, ...options.env } })
  }

  /** Runs the runtime to its end. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.spawn(argv, options).finished
  }

  /** Runs any other command line to its end. */
  shell(script: string, options: RunOptions = {}): Promise<Finished> {
    return this.start(['sh', '-c', script], options).finished
  }

  /** Runs a script that must be done before the test goes on, in `cwd`. */
  shellSync(script: string, cwd = this.cwd): string {
    return execFileSync('sh', ['-ec', script], { cwd, env: plainEnv, encoding: 'utf8' })
  }

  /** Runs the runtime, which has to succeed, and returns its standard output. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options)
    if (code !== 0) throw new Error(`${this.runtime.name} ${argv.join(' ')} exited with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** Runs a container in the foreground to its end, which has to be good, and returns what it wrote. */
  async outputOf(args: readonly string[], edit?: (spec: Spec) => void, options: RunOptions = {}): Promise<string> {
    this.bundle({ args, ...(edit && { edit }) })
    return this.ok(['run', this.id()], options)
  }

  async state(id = this.id()): Promise<State> {
    return JSON.parse(await this.ok(['state', id]))
  }

  /** Waits until the container has that status. */
  async reaches(status: string, id = this.id()): Promise<State> {
    return until(`${id} is ${status}`, async () => {
      const state = await this.state(id)
      return state.status === status && state
    })
  }

  /** What lies in the session's directory that the test did not put there. */
  strangeFiles(): string[] {
    const bundles = [...this.own].filter((name) => !['canary', 'output', 'state'].includes(name))
    return [
      ...readdirSync(this.dir).filter((name) => !this.own.has(name)),
      ...bundles.flatMap((name) => this.strangeInBundle(name)),
    ]
  }

  private strangeInBundle(name: string): string[] {
    try {
      const names = readdirSync(`${this.dir}/${name}`)
      return names.includes('config.json')
        ? names.filter((entry) => !['config.json', 'rootfs'].includes(entry)).map((entry) => `${name}/${entry}`)
        : []
    } catch {
      return []
    }
  }

  /** Ends what the test itself started and left running. */
  async endRunning(): Promise<void> {
    for (const { child, pid, finished } of this.running) {
      if (isAlive(pid)) child.kill('SIGKILL')
      await finished.catch(() => undefined)
    }
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
