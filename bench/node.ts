/** gantry from a Node process that runs already: this one. Each task through the API of the built package. */
import { performance } from 'node:perf_hooks'
import type * as Gantry from '../src/index.js'
import type { Places, Task } from './contestants.js'
import { spawnedFromNode } from './spawned.js'

/** What is measured inside this process. */
export interface InNode {
  readonly name: string
  /** Milliseconds of one repetition, on a container of this id. */
  once(id: string): Promise<number>
  end?(): Promise<void>
}

const name = 'gantry in warm Node'
const ignored = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const
const unlimited = { memory: Number.POSITIVE_INFINITY, pids: Number.POSITIVE_INFINITY }

/** Empty for a task that has no counterpart in the API. `library` is the path of dist/index.js, `parts` that of the program. */
export async function inNode(library: string, parts: string, places: Places, task: Task): Promise<InNode[]> {
  const gantry: typeof Gantry = await import(library)
  const api = await throughApi(gantry, places, task)
  return [...(api ? [api] : []), ...(task === 'run from Node' ? spawnedFromNode(parts, places) : [])]
}

async function throughApi(gantry: typeof Gantry, places: Places, task: Task): Promise<InNode | undefined> {
  const options = { ...ignored, root: `${places.root}/warm` }
  switch (task) {
    case 'run from Node':
      return {
        name,
        async once() {
          const start = performance.now()
          await gantry.run(['true'], {
            rootfs: { dir: places.rootfs },
            env: { PATH: '/bin' },
            limits: unlimited,
            root: options.root,
            check: true,
          })
          return performance.now() - start
        },
      }
    case 'run':
      return {
        name,
        async once(id) {
          const start = performance.now()
          const container = await gantry.create(places.run, { ...options, id })
          await container.start()
          await container.wait()
          await container.destroy()
          return performance.now() - start
        },
      }
    case 'create+start+delete':
      return {
        name,
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
      }
    case 'state': {
      const container = await gantry.create(places.wait, { ...options, id: 'standing' })
      await container.start()
      return {
        name,
        async once() {
          const start = performance.now()
          await container.state()
          return performance.now() - start
        },
        end: () => container.destroy(),
      }
    }
    default:
      return undefined
  }
}
