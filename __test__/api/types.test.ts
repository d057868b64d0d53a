/** The published declarations, as a program sees them that has the package and no source, and Node's types. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import test from 'ava'
import { repository } from '../harness/package.js'

const program = `
import { create, features, GantryError, list, open, run, RunError, sandbox, spec, version } from 'gantry'
import type { Container, ErrorCode, Features, Limits, Network, Output, Proc, Result, Rootfs, RunOptions, Spec, State } from 'gantry'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function check<T extends true>(..._: T[]): void {}

export async function use(options: RunOptions): Promise<void> {
  const text = await run(['echo', 'hi'], { limits: { memory: 1 << 30, pids: 64, cpus: 0.5 }, network: 'none' })
  const bytes = await run(['echo', 'hi'], { encoding: 'buffer', rootfs: { dir: '/srv' }, stdout: 1, stdin: 'inherit' })
  const either = await run(['echo', 'hi'], options)
  check<Equal<typeof text, Result>>()
  const proc: Proc = run(['cat'], { stdin: 'pipe', stdout: process.stdout, tty: false })
  for await (const { stream, line } of proc) check<Equal<typeof stream, 'stdout' | 'stderr'>>(), line.trim()
  const ended: boolean = await proc.kill('SIGINT')
  proc.on('exit', (exitCode, signal) => check<Equal<typeof exitCode, number | null>>() ?? signal?.length)
  const shell = run(['sh'], { tty: { columns: 100, rows: 30 }, encoding: 'buffer' })
  check<Equal<typeof shell, Proc<Buffer>>>()
  shell.pty?.write('exit')
  shell.resize(80, 24)
  const box = await sandbox({ ownIds: false, seccomp: 'none', user: { uid: 1, gid: 1 }, spec: (one) => one })
  const executed = await box.exec(['true'], { encoding: 'buffer', user: 5 })
  check<Equal<typeof executed.stdout, Buffer>>()
  const read: string = await box.fs.readFile('/etc/passwd', 'utf8')
  console.log(ended, read)
  check<Equal<typeof text.stdout, string>>()
  check<Equal<typeof bytes.stdout, Buffer>>()
  check<Equal<typeof either.stdout, string | Buffer>>()
  check<Equal<typeof text.exitCode, number | null>>()

  await using container = await create('/bundle', { encoding: 'buffer', input: new Uint8Array() })
  check<Equal<typeof container, Container<Buffer>>>()
  const plain: Container = await open('id', { root: '/run/x' })
  await plain.kill('SIGTERM', { all: true })
  await plain.kill(9)
  const result: Result = await plain.wait({ signal: AbortSignal.timeout(5) })
  const states: State[] = await list({ onWarning: (line) => line.length })
  const status: 'creating' | 'created' | 'running' | 'paused' | 'stopped' | undefined = states[0]?.status
  const config: Spec = await spec({ rootless: true })
  const told: Features = features()

  try {
    await run(['false'], { check: true, timeout: 100, signal: new AbortController().signal })
  } catch (error) {
    if (error instanceof RunError) check<Equal<typeof error.result, Result<string | Buffer>>>()
    if (error instanceof GantryError) {
      const code: ErrorCode = error.code
      const parts: (string | number | undefined)[] = [error.step, error.errno, error.path, error.hint]
      console.log(code, parts)
    }
  }
  console.log(result, status, config, told, version)
}

// @ts-expect-error a command is a list of words
void run('echo hi')
// @ts-expect-error a misspelt option
void run(['true'], { timeOut: 5 })
// @ts-expect-error no such word
void run(['true'], { stdout: 'tee' })
// @ts-expect-error either one or the other
export const root: Rootfs = { network: 'none' }
export const network: Network = 'host'
export const limits: Limits = {}
export const output: Output = 2
`

const config = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['program.ts'],
}

test('a program in TypeScript can use the package', async (t) => {
  if (!existsSync(`${repository}dist/index.d.ts`)) return t.fail('dist/index.d.ts is not built')
  const dir = mkdtempSync('/tmp/gantry-types-')
  try {
    const own = `${dir}/node_modules/gantry`
    mkdirSync(`${own}/dist`, { recursive: true })
    cpSync(`${repository}package.json`, `${own}/package.json`)
    const isDeclaration = (path: string) => path.endsWith('.d.ts') || !/\.[a-z]+$|gantry$/.test(path)
    cpSync(`${repository}dist`, `${own}/dist`, { recursive: true, filter: isDeclaration })
    for (const name of ['@types', 'undici-types'])
      symlinkSync(`${repository}node_modules/${name}`, `${dir}/node_modules/${name}`)
    writeFileSync(`${dir}/package.json`, '{ "type": "module" }')
    writeFileSync(`${dir}/tsconfig.json`, JSON.stringify(config))
    writeFileSync(`${dir}/program.ts`, program)
    const said = await promisify(execFile)(`${repository}node_modules/.bin/tsc`, ['--project', dir]).catch(
      (error) => error,
    )
    t.is(said.stdout, '')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
