/** The program bench/floor/src/spawner.rs, as an object: steps in, a report out. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** An empty `argv` waits until every process that earlier steps left is gone. */
export interface Step {
  readonly argv: readonly string[]
  readonly timed: boolean
  /** It fails, and this is in what it says. */
  readonly refusal?: string
}

export interface Report {
  /** Of the timed steps together. */
  readonly nanoseconds: number
  readonly failed?: string
}

export class Spawner {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  /** `messages`: a file of its own for what failing programs say. */
  constructor(program: string, messages: string) {
    // In a session of its own: Ctrl-C is for us, who still have something to clear away.
    this.#child = spawn(program, [messages], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async perform(steps: readonly Step[]): Promise<Report> {
    this.#child.stdin.write(`${JSON.stringify(steps)}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the spawner is gone')
    const report: Report = JSON.parse(value)
    return report
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin.end()
    await ended
  }
}
