/**
 * A test of the Node API: a directory of its own for records and bundles, and nothing may remain after it, in this
 * process (descriptors, zombies) as on the machine (processes, mounts, cgroups, records).
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { run } from '../../src/index.js'
import { Before } from './leftovers.js'
import { makeRootfs, noRootfs } from './rootfs.js'
import { defaultSpec, type Spec } from './spec.js'

/** In the id of each container: `run` itself begins its ids so. */
export const mark = `gantry-sandbox-${process.pid}`

export interface Place {
  /** For files of the test. */
  readonly dir: string
  /** For the option `root`: where the records go. */
  readonly root: string
  readonly id: string
  /** Makes a bundle and gives its path. */
  bundle(args: readonly string[], edit?: (spec: Spec) => void): string
}

const asRoot = process.geteuid?.() === 0

// What the first launch keeps, the executable in memory of the helper, is no leftover.
if (asRoot) test.before(async () => void (await run(['true'])))

export function apiTest(title: string, body: (t: ExecutionContext, place: Place) => Promise<void>): void {
  if (!asRoot) return void test.skip(`${title} (needs root)`, () => undefined)
  test.serial(title, async (t) => {
    const dir = `/tmp/${mark}`
    const place = { dir, root: `${dir}/state`, id: `${mark}-c`, bundle }
    mkdirSync(`${dir}/canary`, { recursive: true })
    const before = new Before({ mark, stateRoots: [place.root], canary: `${dir}/canary`, strangeFiles: () => [] })
    try {
      await body(t, place)
      t.deepEqual(await before.leftovers(), [], 'something remains')
    } finally {
      before.clean()
      rmSync(dir, { recursive: true, force: true })
    }

    function bundle(args: readonly string[], edit?: (spec: Spec) => void): string {
      if (noRootfs !== undefined) throw new Error(noRootfs)
      const path = `${dir}/bundle`
      rmSync(path, { recursive: true, force: true })
      makeRootfs(`${path}/rootfs`)
      const spec = defaultSpec(args)
      edit?.(spec)
      writeFileSync(`${path}/config.json`, JSON.stringify(spec))
      return path
    }
  })
}
