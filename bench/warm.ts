/** gantry from a Node process that runs already: this one. Each task through the API of the built package. */
import { performance } from 'node:perf_hooks'
import type * as Gantry from '../src/index.js'
import type { Places, Task } from './contestants.js'

export interface WarmApi {
  /** Milliseconds of one repetition, on a container of this id. */
  once(id: string): Promise<number>
  end(): Promise<void>
}

const ignored = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const

/** Undefined for a task that has no counterpart in the API. `library` is the path of dist/index.js. */
export async function warmNode(library: string, places: Places, task: Task): Promise<WarmApi | undefined> {
  const gantry: typeof Gantry = await import(library)
  const options = { ...ignored, root: `${places.root}/warm` }
  switch (task) {
    case 'run':
      return {
        async once(id) {
          const start = performance.now()
          const container = await gantry.create(places.run, { ...options, id })
          await container.start()
          await container.wait()
          await container.destroy()
          return performance.now() - start
        },
        async end() {},
      }
    case 'create+start+delete':
      return {
        async once(id) {
          const start = performance.now()
          const container = await gantry.create(places.run, { ...options, id })
          await container.start()
          const started = performance.now()
          await container.wait()
          const ended = performance.now()
          await container.destroy()
          return started - start + (performance.now() - ended)
        },
        async end() {},
      }
    case 'state': {
      const container = await gantry.create(places.wait, { ...options, id: 'standing' })
      await container.start()
      return {
        async once() {
          const start = performance.now()
          await container.state()
          return performance.now() - start
        },
        end: () => container.destroy(),
      }
    }
    case 'exec':
    case 'update':
    case 'pause+resume':
    case 'version':
      return undefined
  }
}
