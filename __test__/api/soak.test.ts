/** Many runs in one process, one after the other and beside each other: it is then as it was. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { apiTest } from '../harness/api.js'
import { packageDirectory } from '../harness/package.js'

/** How many runs. The first half is warming up: compiled code, pools of memory, threads. */
const runs = Number(process.env.GANTRY_RUNS ?? 600)

interface Measure {
  readonly descriptors: number
  readonly threads: number
  /** MiB, after a garbage collection. */
  readonly heap: number
  readonly resident: number
}

const program = (root: string) => `
  import { readdirSync } from 'node:fs'
  import { run, sandbox } from '${packageDirectory}dist/index.js'
  const some = async (count) => {
    const box = await sandbox({ root: '${root}' })
    let left = count
    const one = async (i) => {
      while (left-- > 0) {
        const words = ['sh', '-c', 'echo out; echo err >&2']
        if (left % 10 === 0) await run(words, { root: '${root}', timeout: 1 }).catch(() => {})
        else await (left % 2 === 0 ? run(words, { root: '${root}' }) : box.exec(words))
      }
    }
    await Promise.all([1, 2, 3, 4].map(one))
    await box.destroy()
  }
  const measure = () => {
    gc()
    const { heapUsed, rss } = process.memoryUsage()
    const entries = (path) => readdirSync(path).length
    return {
      descriptors: entries('/proc/self/fd'),
      threads: entries('/proc/self/task'),
      heap: heapUsed / 2 ** 20,
      resident: rss / 2 ** 20,
    }
  }
  await some(${runs / 2})
  const before = measure()
  await some(${runs / 2})
  console.log(JSON.stringify([before, measure()]))`

apiTest('a process that has run hundreds of programs is as it was', async (t, { root }) => {
  // What is young in V8's heap may grow to 48 MiB, which would hide what is lost.
  const options = ['--expose-gc', '--max-semi-space-size=1', '--input-type=module', '--eval', program(root)]
  const { stdout } = await promisify(execFile)(process.execPath, options)
  const [before, after]: [Measure, Measure] = JSON.parse(stdout)
  t.is(after.descriptors, before.descriptors)
  // Those of the pools come as they are needed, 36 at most.
  t.true(after.threads <= 60, `${after.threads} threads`)
  // So much is less than 4 KiB of JavaScript and 40 KiB of all else for each run.
  t.true(after.heap - before.heap < 1.2, `the heap grew from ${before.heap} to ${after.heap} MiB`)
  t.true(after.resident - before.resident < 12, `resident memory grew from ${before.resident} to ${after.resident} MiB`)
})
