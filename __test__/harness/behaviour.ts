/**
 * A behaviour is a test that runs on several runtimes, each time in a new session, and that must leave nothing behind.
 *
 *     behaviour('run exits with the status of its process', { runtimes: likeRunc }, async (t, session) => { … })
 */
import test, { type ExecutionContext } from 'ava'
import { Before } from './leftovers.js'
import { noRootfs } from './rootfs.js'
import { likeRunc, noV1, type RuntimeName, runtime, v1View, v2View, wanted } from './runtime.js'
import { Session } from './session.js'

export interface BehaviourOptions {
  /** Who behaves so. */
  readonly runtimes?: readonly RuntimeName[]
  /** Who is known not to, and why. A test that passes although it is listed here fails. */
  readonly failing?: Partial<Record<RuntimeName, string>>
  /** Why the test can't run on this machine, if it can't. */
  readonly unless?: string | undefined
  /** The cgroup hierarchies that the runtime sees: the machine's own if not given. */
  readonly view?: 'v1' | 'v2'
  /** The test drops its privileges itself, or needs none. */
  readonly unprivileged?: boolean
}

export type Body = (t: ExecutionContext, session: Session) => Promise<void>

export function behaviour(title: string, options: BehaviourOptions, body: Body): void {
  const names = (options.runtimes ?? likeRunc).filter((name) => wanted?.includes(name) ?? true)
  if (names.length === 0) test.skip(`${title} (not for RUNTIME=${wanted?.join(',')})`, unreachable)
  for (const name of names) register(name, title, options, body)
}

function register(name: RuntimeName, title: string, options: BehaviourOptions, body: Body): void {
  const reason =
    runtime(name).absent ??
    noRootfs ??
    options.unless ??
    (options.view === 'v1' ? noV1 : undefined) ??
    (options.unprivileged || process.geteuid?.() === 0 ? undefined : 'needs root')
  if (reason !== undefined) {
    if (wanted?.includes(name) && reason === runtime(name).absent) throw new Error(reason)
    test.skip(`${name}: ${title} (${reason})`, unreachable)
    return
  }
  const known = options.failing?.[name]
  const implementation = (t: ExecutionContext): Promise<void> => inSession(t, name, options, body)
  if (known === undefined) test.serial(`${name}: ${title}`, implementation)
  else test.serial.failing(`${name}: ${title} (${known})`, implementation)
}

async function inSession(t: ExecutionContext, name: RuntimeName, options: BehaviourOptions, body: Body): Promise<void> {
  const session = new Session(runtime(name))
  if (options.view !== undefined) session.through = options.view === 'v1' ? v1View : v2View
  const before = new Before(session)
  try {
    await body(t, session)
    await session.endRunning()
    t.deepEqual(await before.leftovers(), [], 'something remains')
  } finally {
    await session.endRunning()
    before.clean()
    session.remove()
  }
}

function unreachable(): void {
  throw new Error('a skipped test ran')
}
