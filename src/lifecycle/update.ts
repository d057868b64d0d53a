/** `update`: new limits for a container that is there. */
import { errno } from '../errno.js'
import { type ContainerRef, type Host, HostFailure, savedConfig } from '../host/host.js'
import { type CacheShares, planShares } from '../plan/resctrl.js'
import { planUpdate } from '../plan/update.js'
import { parseResources, parseSpec } from '../spec/parse.js'
import type { Resources, Spec } from '../spec/spec.js'
import type { Context } from './context.js'

/** How often an update is planned anew because another one came first. */
const attempts = 10

/** Changes the resources and shares that are given; all others stay. After an error all are as before. */
export async function updateContainer(
  { host, debug }: Context,
  container: ContainerRef,
  resources: Resources,
  shares?: CacheShares,
): Promise<void> {
  const facts = await host.facts()
  const resctrl = shares && planShares(await configOf(host, container), container, shares, facts)
  for (let attempt = 1; ; attempt += 1) {
    const text = await host.resources(container)
    const before = { text, resources: text === null ? {} : parseResources('record', text) }
    const plan = planUpdate(container, before, resources, facts, resctrl)
    await debug(() => `update: ${JSON.stringify(plan)}`)
    try {
      return await host.update(plan)
    } catch (error) {
      const overtaken =
        error instanceof HostFailure && error.step === 'update container' && error.errno === errno.EAGAIN
      if (!overtaken || attempt === attempts) throw error
    }
  }
}

/** What the container was made from. Fails like `inspect` where there is no container. */
async function configOf(host: Host, container: ContainerRef): Promise<Spec> {
  await host.inspect(container)
  const file = savedConfig(container)
  return parseSpec(file, await host.readText(file))
}
