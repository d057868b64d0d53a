/** The process that a call of the lifecycle begins, as the API keeps hold of it: by its number, with a promise of its end. */

import type { Destroyed, ExitStatus, Launched } from '../host/host.js'
import { type Beginning, begin } from '../host/node.js'
import { requestText } from '../host/verbs.js'
import type { Context } from '../lifecycle/context.js'
import { SUMMARY_FILES } from '../stats/summary.js'

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

  /** With `fleeting`, its container is removed as soon as it has ended. */
  constructor(context: Context, { detached = false, fleeting = false }: LifetimeOptions & { fleeting?: boolean } = {}) {
    const start = async (beginning: Beginning<Launched>) => {
      this.#beginning = beginning
      return await beginning.begun
    }
    this.context = {
      ...context,
      host: {
        ...context.host,
        launch(plan, config) {
          const { root, id, created } = plan.record
          const destroy = fleeting ? { root, id, force: true, files: SUMMARY_FILES } : undefined
          const owner = detached ? undefined : { root, id, created }
          return start(begin('launch', requestText(plan, config), owner, destroy))
        },
        exec: (plan) => start(begin('exec', requestText(plan))),
      },
    }
  }

  /** How it ends, once it has begun. It is reaped whether anybody looks or not. */
  get ended(): Promise<ExitStatus> {
    return this.#beginning?.ended ?? Promise.resolve({})
  }

  /** What came of removing its container, once it has ended. */
  async gone(): Promise<Destroyed> {
    return (await this.#beginning?.gone()) ?? { warnings: [] }
  }

  /** What the addon knows it by. */
  get number(): number {
    return this.#beginning?.number ?? 0
  }
}
