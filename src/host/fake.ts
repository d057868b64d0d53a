/**
 * The host in memory, for tests: a file system of texts, containers as entries of a map, and a record of all that was asked.
 * It answers at once, like the static host. A launch goes as its plan says and runs nothing.
 */
import { errno } from '../errno.js'
import {
  type BrokenRecord,
  type Caller,
  type CgroupTexts,
  type ContainerRef,
  type ExitStatus,
  type Facts,
  type Host,
  HostFailure,
  type Inspection,
  type OomNews,
  type ProgramOutput,
  savedConfig,
} from './host.js'
import type { ExecPlan, Failure, LaunchPlan } from './plan.js'

type Verb = Exclude<keyof Host, 'caller'>

export interface FakeOptions {
  /** The words after the name of the program. */
  readonly argv?: readonly string[]
  readonly caller?: Partial<Caller>
  readonly facts?: Partial<Facts>
  /** The texts of files by absolute path. */
  readonly files?: Readonly<Record<string, string>>
  readonly input?: string
  /** What is in the roots at the start, by root. */
  readonly containers?: Readonly<Record<string, readonly (Inspection | BrokenRecord)[]>>
  /** The files of every container's cgroup. */
  readonly cgroup?: CgroupTexts
  /** What `awaitOom` answers, call by call, before it says that the container has ended. */
  readonly news?: readonly OomNews[]
  /** linux.resources of containers as JSON, by `ROOT/ID`. */
  readonly resources?: Readonly<Record<string, string>>
  /** What programs of the host write, by their command lines. */
  readonly programs?: Readonly<Record<string, Partial<ProgramOutput>>>
  /** How programs in the foreground end. */
  readonly exit?: ExitStatus
  /** Verbs that fail, and with what. */
  readonly failures?: Readonly<Partial<Record<Verb, Failure>>>
  /** What goes wrong when containers are removed. */
  readonly warnings?: readonly Failure[]
}

export interface Called {
  readonly verb: Verb
  /** What was asked: a path, a request, a plan. */
  readonly request: unknown
}

export interface FakeHost extends Host {
  /** All verbs in order. Writing to the streams is in `output` and `errors` instead: what was written matters, not how. */
  readonly calls: readonly Called[]
  /** The plans that were to be launched. */
  readonly plans: readonly LaunchPlan[]
  /** The plans of processes in containers that were there. */
  readonly execs: readonly ExecPlan[]
  readonly output: string
  readonly errors: string
  readonly files: ReadonlyMap<string, string>
  /** The containers of a root by their ids. */
  containersOf(root: string): readonly string[]
}

/** Root on a machine with cgroup v2, in no user namespace, with all capabilities. */
const defaultFacts: Facts = {
  kernel: '6.18.0',
  euid: 0,
  egid: 0,
  inUserNamespace: false,
  capabilities: Array.from({ length: 41 }, (_, number) => number),
  cgroups: [{ mount: '/sys/fs/cgroup', version: 2, controllers: ['cpu', 'memory', 'pids'], own: '/' }],
}

export function fakeHost(options: FakeOptions = {}): FakeHost {
  const calls: Called[] = []
  const plans: LaunchPlan[] = []
  const execs: ExecPlan[] = []
  const files = new Map(Object.entries(options.files ?? {}))
  const roots = new Map(
    Object.entries(options.containers ?? {}).map(([root, all]) => [root, new Map(all.map((one) => [one.id, one]))]),
  )
  const news = [...(options.news ?? [])]
  /** Of containers by root and id. */
  const resources = new Map(Object.entries(options.resources ?? {}))
  let output = ''
  let errors = ''
  let nextDescriptor = 10

  function note(verb: Verb, request: unknown): void {
    calls.push({ verb, request })
    refuse(verb)
  }

  function refuse(verb: Verb): void {
    const failure = options.failures?.[verb]
    if (failure !== undefined) throw new HostFailure(failure)
  }

  function find({ root, id }: ContainerRef): Inspection {
    const found = roots.get(root)?.get(id)
    if (found === undefined) throw new HostFailure({ step: 'find container', object: id, errno: errno.ENOENT })
    if ('failure' in found) throw new HostFailure(found.failure)
    return found
  }

  function change({ root, id }: ContainerRef, to: Partial<Inspection>): void {
    roots.get(root)?.set(id, { ...find({ root, id }), ...to })
  }

  return {
    calls,
    plans,
    execs,
    files,
    get output() {
      return output
    },
    get errors() {
      return errors
    },
    containersOf: (root) => [...(roots.get(root)?.keys() ?? [])],
    caller: {
      argv: ['/usr/bin/gantry', ...(options.argv ?? [])],
      env: {},
      cwd: '/work',
      pid: 100,
      stdinIsTerminal: false,
      stdoutIsTerminal: false,
      stderrIsTerminal: false,
      ...options.caller,
    },
    facts() {
      note('facts', undefined)
      return { ...defaultFacts, ...options.facts }
    },
    readText(path) {
      note('readText', path)
      const text = files.get(path)
      if (text === undefined) throw new HostFailure({ step: 'read', object: path, errno: errno.ENOENT })
      return text
    },
    readInput() {
      note('readInput', undefined)
      return options.input ?? ''
    },
    createText(path, text) {
      note('createText', path)
      if (files.has(path)) throw new HostFailure({ step: 'create', object: path, errno: errno.EEXIST })
      files.set(path, text)
    },
    isDirectory(path) {
      note('isDirectory', path)
      return [...files.keys()].some((file) => file.startsWith(`${path}/`))
    },
    writeOutput(text) {
      refuse('writeOutput')
      output += text
    },
    writeError(text) {
      refuse('writeError')
      errors += text
    },
    appendLog(path, text) {
      note('appendLog', path)
      files.set(path, (files.get(path) ?? '') + text)
    },
    sendLog(request) {
      note('sendLog', request)
    },
    launch(plan, config) {
      plans.push(plan)
      note('launch', plan)
      const { root, id, ociVersion, bundle, rootfs, created, annotations } = plan.record
      if (plan.record.resources !== undefined) resources.set(`${root}/${id}`, plan.record.resources)
      const there = roots.get(root) ?? new Map<string, Inspection | BrokenRecord>()
      if (there.has(id)) throw new HostFailure({ step: 'create container', object: id, errno: errno.EEXIST })
      const status = plan.init.steps.includes('gate') ? 'created' : 'running'
      const pid = 1000 + calls.length
      there.set(id, { id, status, pid, ociVersion, bundle, rootfs, created, owner: 0, annotations })
      roots.set(root, there)
      nextDescriptor += 1
      files.set(savedConfig(plan.record), config)
      return { pid, pidfd: nextDescriptor }
    },
    exec(plan) {
      note('exec', plan)
      const { status } = find(plan)
      const refusal = status === 'stopped' ? errno.ESRCH : status === 'paused' && !plan.ignorePaused ? errno.EBUSY : 0
      if (refusal !== 0) throw new HostFailure({ step: 'exec in container', object: plan.id, errno: refusal })
      execs.push(plan)
      nextDescriptor += 1
      return { pid: 1000 + calls.length, pidfd: nextDescriptor }
    },
    start(request) {
      note('start', request)
      const { status } = find(request)
      if (status === 'stopped') throw new HostFailure({ step: 'start container', object: '', errno: errno.ESRCH })
      if (status !== 'created') throw new HostFailure({ step: 'start container', object: '', errno: errno.EALREADY })
      change(request, { status: 'running' })
      nextDescriptor += 1
      return request.notifySocket === undefined ? {} : { notifier: nextDescriptor }
    },
    awaitReady(request) {
      note('awaitReady', request)
    },
    supervise(request) {
      note('supervise', request)
      if (find(request).pid === request.pid) change(request, { status: 'stopped', pid: 0 })
      return options.exit ?? { exitCode: 0 }
    },
    inspect(container) {
      note('inspect', container)
      return find(container)
    },
    list(root) {
      note('list', root)
      const all = [...(roots.get(root)?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1))
      return { missing: !roots.has(root), containers: all }
    },
    freeze(container) {
      note('freeze', container)
      const { status, id } = find(container)
      if (status !== 'created' && status !== 'running')
        throw new HostFailure({ step: 'pause container', object: id, errno: errno.ESRCH })
      change(container, { status: 'paused' })
    },
    thaw(container) {
      note('thaw', container)
      const { status, id } = find(container)
      if (status !== 'paused') throw new HostFailure({ step: 'resume container', object: id, errno: errno.EINVAL })
      change(container, { status: 'running' })
    },
    processes(container) {
      note('processes', container)
      const { pid } = find(container)
      return pid === 0 ? [] : [pid]
    },
    runProgram(argv) {
      note('runProgram', argv)
      return { ok: true, stdout: '', stderr: '', ...options.programs?.[argv.join(' ')] }
    },
    resources(container) {
      note('resources', container)
      find(container)
      return resources.get(`${container.root}/${container.id}`) ?? null
    },
    update(plan) {
      note('update', plan)
      const { id, status } = find(plan)
      if (status === 'stopped') throw new HostFailure({ step: 'update container', object: id, errno: errno.ESRCH })
      resources.set(`${plan.root}/${id}`, plan.resources)
    },
    changeMounts(plan, config) {
      note('changeMounts', plan)
      const { id, status } = find(plan)
      if (status === 'stopped')
        throw new HostFailure({ step: 'change mounts of container', object: id, errno: errno.ESRCH })
      files.set(savedConfig(plan), config)
    },
    readCgroup(request) {
      note('readCgroup', request)
      find(request)
      return options.cgroup ?? { v1: {}, v2: {} }
    },
    awaitOom(request) {
      note('awaitOom', request)
      find(request)
      return news.shift() ?? { oom: false, kills: request.since, ended: true }
    },
    sleep(milliseconds) {
      note('sleep', milliseconds)
    },
    signal(request) {
      note('signal', request)
      if (find(request).pid === 0)
        throw new HostFailure({ step: 'signal container', object: request.id, errno: errno.ESRCH })
    },
    destroy(request) {
      note('destroy', request)
      const { status } = find(request)
      if (!request.force && (status === 'running' || status === 'paused')) {
        throw new HostFailure({ step: 'delete container', object: status, errno: errno.EBUSY })
      }
      roots.get(request.root)?.delete(request.id)
      return { warnings: options.warnings ?? [] }
    },
    close(descriptor) {
      note('close', descriptor)
    },
  }
}
