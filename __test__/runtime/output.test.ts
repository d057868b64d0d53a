/** Much output in the foreground: every byte arrives, in order, and what stands between the process and its caller does not grow. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { behaviour } from '../harness/behaviour.js'
import { everyone, ours, plainEnv } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'

/** How much, in MiB. */
const size = Number(process.env.TEST_OUTPUT_MIB ?? 64)

const line = (number: number): string => `${number.toString(16).padStart(7, '0')} ${'x'.repeat(119)}\n`
const piece = Array.from({ length: (1 << 20) / 128 }, (_, number) => line(number)).join('')
const script = `i=0; while [ $i -lt ${size} ]; do echo $i; cat /piece; i=$((i + 1)); done; printf end`

function expected(): string {
  const hash = createHash('sha256')
  for (let number = 0; number < size; number++) hash.update(`${number}\n`).update(piece)
  return hash.update('end').digest('hex')
}

/** The most memory that a process has had so far, in MiB. */
function peakMemory({ pid }: ChildProcess): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** The hash of what a container in the foreground writes, and by how many MiB the runtime grew from the first byte on. */
async function copied(
  session: Session,
  { terminal = false, env = session.runtime.env },
): Promise<{ readonly hash: string; readonly growth: number }> {
  session.bundle({
    args: ['sh', '-c', script],
    edit: (spec) => (spec.process.terminal = terminal),
    rootfs: (path) => writeFileSync(`${path}/piece`, piece),
  })
  const [program = '', ...args] = session.commandLine(['run', session.id()])
  const child = spawn(program, args, {
    cwd: session.cwd,
    env: { ...plainEnv, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const hash = createHash('sha256')
  const peaks: number[] = []
  let seen = 0
  child.stdout.on('data', (data: Buffer) => {
    hash.update(data)
    seen += data.length
    // The last bytes may come when it has gone.
    if (seen > peaks.length << 20 && peaks.length < size) peaks.push(peakMemory(child))
  })
  await once(child, 'close')
  return { hash: hash.digest('hex'), growth: (peaks.at(-1) ?? Number.NaN) - (peaks[0] ?? Number.NaN) }
}

behaviour('all output arrives through a pipe', { runtimes: everyone }, async (t, session) => {
  t.is((await copied(session, {})).hash, expected())
})

behaviour('npx, which becomes the static binary, loses none either', { runtimes: ['node'] }, async (t, session) => {
  t.is((await copied(session, { env: {} })).hash, expected())
})

behaviour('all output arrives through a terminal, in flat memory', { runtimes: ours }, async (t, session) => {
  const { hash, growth } = await copied(session, { terminal: true })
  t.is(hash, expected())
  t.true(growth < 8, `${growth} MiB more for ${size} MiB`)
})
