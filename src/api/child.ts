/** The process that a call of the lifecycle begins, as the API keeps hold of it: by its number, with a promise of its end. */

import type { ExitStatus, Launched } from '../host/host.js'
import { type Beginning, begin, type Owner } from '../host/node.js'
import { requestText } from '../host/verbs.js'
import type { Context } from '../lifecycle/context.js'

export interface LifetimeOptions {
  /**
   * Stay when this process ends. By default a container ends with the JavaScript thread that made it, and so with the process,
   * also when that is killed by SIGKILL: none of its processes, cgroups and records is left.
   */
  readonly detached?: boolean
}

/**
 * Begins one container or process: whatever the lifecycle launches with its `context` is waited for from its first moment. No signal
 * is forwarded and no orphan adopted, which would change this process.
 */
export class Child {
  readonly context: Context
  #beginning: Beginning<Launched> | undefined

  constructor(context: Context, { detached = false }: LifetimeOptions = {}) {
    const start = async (beginning: Beginning<Launched>) => {
      this.#beginning = beginning
      return await beginning.begun
    }
    this.context = {
      ...context,
      host: {
        ...context.host,
        launch: (plan, config) =>
          start(begin('launch', requestText(plan, config), detached ? undefined : ownerOf(plan.record))),
        exec: (plan) => start(begin('exec', requestText(plan))),
      },
    }
  }

  /** How it ends, once it has begun. It is reaped whether anybody looks or not. */
  get ended(): Promise<ExitStatus> {
    return this.#beginning?.ended ?? Promise.resolve({})
  }

  /** What the addon knows it by. */
  get number(): number {
    return this.#beginning?.number ?? 0
  }
}

function ownerOf({ root, id, created }: Owner): Owner {
  return { root, id, created }
}
