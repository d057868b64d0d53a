// A pool of warm sandboxes: each request gets one that nobody used before, and a new one takes its place.
// `node examples/node/pool.mjs`
import { sandbox } from 'gantry'

class Pool {
  #ready = []

  constructor(size, options) {
    this.options = options
    for (let made = 0; made < size; made++) this.#refill()
  }

  #refill() {
    const made = sandbox(this.options)
    // Whoever takes it hears of the failure.
    made.catch(() => {})
    this.#ready.push(made)
  }

  async use(work) {
    const next = this.#ready.shift()
    this.#refill()
    const box = await next
    try {
      return await work(box)
    } finally {
      await box.destroy()
    }
  }

  async close() {
    await Promise.all(this.#ready.map(async (made) => (await made).destroy()))
  }
}

const pool = new Pool(2, { limits: { memory: 64 << 20, pids: 32 }, cwd: '/tmp' })
const answers = await Promise.all(
  [1, 2, 3, 4].map((number) =>
    pool.use(async (box) => {
      await box.fs.writeFile('/tmp/number', `${number}`)
      const { stdout } = await box.exec(['sh', '-c', 'read n < number; echo $((n * n))'], { timeout: 5000 })
      return stdout.trim()
    }),
  ),
)
console.log(answers.join(' '))
await pool.close()
