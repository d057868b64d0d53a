/** `mounts`: what is mounted in a container that is there. Its saved configuration says afterwards what is true. */
import { errno } from '../errno.js'
import { type ContainerRef, HostFailure, savedConfig } from '../host/host.js'
import type { MountsPlan } from '../host/plan.js'
import { planAdd, planRemove, without } from '../plan/change-mounts.js'
import { SpecError } from '../spec/error.js'
import { isObject, parseJsonExactly, writeJson } from '../spec/json.js'
import { checkSpec } from '../spec/parse.js'
import type { Mount, Spec } from '../spec/spec.js'
import type { Context } from './context.js'

/** How often a change is planned anew because another one came first. */
const attempts = 10

/** A list of mounts as the config has it. Throws a {@link SpecError} that names `path`. */
export function parseMounts(path: string, text: string): readonly unknown[] {
  const mounts = parseJsonExactly(path, text)
  if (!Array.isArray(mounts)) throw new SpecError(path, ['mounts: expected a list, as config.json has it'])
  return mounts
}

/** Mounts all of them, in order, or none. `mounts` is what {@link parseMounts} gave for `path`. */
export async function addMounts(
  context: Context,
  container: ContainerRef,
  path: string,
  mounts: readonly unknown[],
): Promise<void> {
  const { bundle } = await context.host.inspect(container)
  const facts = await context.host.facts(false)
  await change(context, container, (config) => {
    const added = checkMounts(config, path, mounts)
    const plan = planAdd(config.spec, added, { ...container, bundle }, facts)
    return { ...plan, mounts: [...(config.spec.mounts ?? []), ...added] }
  })
}

/** Takes away what is mounted at the destinations, one after the other; nothing else of a mount counts. */
export async function removeMounts(
  context: Context,
  container: ContainerRef,
  path: string,
  mounts: readonly unknown[],
): Promise<void> {
  await context.host.inspect(container)
  // Nothing but the place is checked: the type is one that asks for nothing more.
  const places = mounts.map((mount) => (isObject(mount) ? { destination: mount.destination, type: 'tmpfs' } : mount))
  for (const removed of checkMounts(await readConfig(context, container), path, places)) {
    await change(context, container, ({ spec }) => ({
      ...planRemove(spec, removed),
      mounts: without(spec.mounts ?? [], removed),
    }))
  }
}

/** The configuration that a container was made from, with what changed since. */
interface Config {
  readonly text: string
  readonly document: object
  readonly spec: Spec
}

async function readConfig({ host }: Context, container: ContainerRef): Promise<Config> {
  const path = savedConfig(container)
  const text = await host.readText(path)
  const document = parseJsonExactly(path, text)
  return { text, document: isObject(document) ? document : {}, spec: checkSpec(path, document) }
}

/** Mounts are checked as part of a configuration: some rules are about others of its parts. */
function checkMounts({ document }: Config, path: string, mounts: readonly unknown[]): readonly Mount[] {
  return checkSpec(path, { ...document, mounts }).mounts ?? []
}

type Planned = Pick<MountsPlan, 'propagation' | 'steps'> & {
  /** What the saved configuration is to say. */
  readonly mounts: readonly Mount[]
}

async function change(context: Context, container: ContainerRef, plan: (config: Config) => Planned): Promise<void> {
  const { host, debug } = context
  for (let attempt = 1; ; attempt += 1) {
    const config = await readConfig(context, container)
    const { mounts, ...change } = plan(config)
    await debug(() => `mounts: ${JSON.stringify(change)}`)
    try {
      const text = writeJson({ ...config.document, mounts })
      return await host.changeMounts({ ...container, ...change, before: config.text }, text)
    } catch (error) {
      const overtaken =
        error instanceof HostFailure && error.step === 'change mounts of container' && error.errno === errno.EAGAIN
      if (!overtaken || attempt === attempts) throw error
    }
  }
}
