/** `npm start`: builds, and runs a command in a container on a read-only view of this machine. */
import { build } from './build.mjs'
import { run, script } from './toolchain.mjs'

const greeting = `echo "Hello from $(hostname): I am process $$, $(id -un 2>/dev/null || id -u), and / is read-only:"
touch /here 2>&1 || true`

await script(async () => {
  await build()
  run('dist/gantry', ['sandbox', '--', 'sh', '-c', greeting])
})
