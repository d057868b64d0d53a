// Runs code that is not trusted, with limits: `node examples/node/run.mjs`. The command sees this machine read-only, has no
// network and no capabilities, and is gone, with whatever it started, when the promise settles.
import { RunError, run } from 'gantry'

const script = 'echo "I am $(id -un) in $PWD"; touch /etc/motd; sleep 60'

try {
  await run(['sh', '-c', script], { cwd: '/', limits: { memory: 64 << 20, pids: 16 }, timeout: 500 })
} catch (error) {
  if (!(error instanceof RunError)) throw error
  console.log(`${error.code}: ${error.message}`)
  console.log(error.result.stdout + error.result.stderr)
}
