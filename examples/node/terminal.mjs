// A shell on a terminal of its own, driven by a program: `node examples/node/terminal.mjs`.
import { run } from 'gantry'

const shell = run(['sh'], { cwd: '/', env: { PS1: '$ ' }, tty: { columns: 80, rows: 24 }, timeout: 10_000 })
shell.pty.write('stty size; exit\n')
let shown = ''
for await (const chunk of shell.pty) shown += chunk
const { exitCode } = await shell
console.log(shown.includes('24 80') ? `24 80, exited with ${exitCode}` : shown)
