// Reads lines while they are written, and gives the program time to end by itself: `node examples/node/lines.mjs`.
import { run } from 'gantry'

const script = 'for i in 1 2 3; do echo step $i; sleep 0.05; done; echo done >&2'
const build = run(['sh', '-c', script], { cwd: '/', timeout: 10_000, killSignal: 'SIGTERM', forceKillAfterDelay: 1000 })
for await (const { stream, line } of build) console.log(`${stream}: ${line}`)
console.log(`exited with ${(await build).exitCode}`)
