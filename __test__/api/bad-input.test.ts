/** Whatever is passed, what comes back is a result or an error of the documented set: no crash, no other error, nothing left. */
import fc from 'fast-check'
import { create, GantryError, list, open, type Proc, run, sandbox, spec } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

/** As programs without types call it. */
type Untyped = (...words: unknown[]) => unknown

const untyped = (call: unknown): Untyped => {
  if (typeof call !== 'function') throw new Error('no function')
  return (...words) => Reflect.apply(call, undefined, words)
}

const codes = new Set(['ERR_INVALID_ARGUMENT', 'ERR_ABORTED', 'ERR_NOT_FOUND', 'ERR_INVALID_SPEC', 'ERR_UNSUPPORTED'])
const calls = Number(process.env.GANTRY_CALLS ?? 10_000)

/** A getter that throws, an object that answers for every name, bytes that are gone, a signal that was aborted. */
const odd = fc.oneof(
  fc.constant(() => {
    throw new Error('called')
  }),
  fc.constant(new Proxy({}, { get: () => 7, has: () => true, ownKeys: () => ['a', 'b'] })),
  fc.constant(
    Object.defineProperty({}, 'rootfs', {
      enumerable: true,
      get: () => {
        throw new Error('read')
      },
    }),
  ),
  fc.constant(detached()),
  fc.constant(AbortSignal.abort()),
  fc.constant(Symbol('odd')),
  fc.constant(10n),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
)

const optionNames = [
  ...['rootfs', 'cwd', 'env', 'limits', 'network', 'hostname', 'user', 'ownIds', 'seccomp', 'spec', 'stdin', 'input'],
  ...['stdout', 'stderr', 'maxOutput', 'onOverflow', 'tty', 'timeout', 'signal', 'encoding', 'check', 'killSignal'],
  ...['forceKillAfterDelay', 'onWarning', 'detached', 'id', 'capabilities', 'noNewPrivileges'],
]
const options = fc.oneof(
  odd,
  // One wrong value at a time gets further than all of them.
  fc.tuple(fc.constantFrom(...optionNames), odd).map(([name, value]) => ({ [name]: value })),
  fc.dictionary(fc.constantFrom(...optionNames), odd, { maxKeys: 3 }),
)

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

apiTest('arbitrary arguments give errors that say what is wrong', async (t, { root, dir }) => {
  const surprises: string[] = []
  const check = async (title: string, call: () => unknown): Promise<void> => {
    try {
      const value = await call()
      if (typeof value === 'object' && value !== null && Symbol.asyncDispose in value) {
        const dispose: unknown = Reflect.get(value, Symbol.asyncDispose)
        if (typeof dispose === 'function') await Reflect.apply(dispose, value, [])
      }
    } catch (error) {
      if (error instanceof GantryError && (codes.has(error.code) || error.errno !== undefined)) return
      surprises.push(`${title}: ${error instanceof GantryError ? `${error.code} ${error.message}` : String(error)}`)
    }
  }
  // A program that is not there: what is right is found out at the end, and little runs.
  const withRoot = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
      ? Object.defineProperties({ root }, Object.getOwnPropertyDescriptors(value))
      : value
  const property = fc.asyncProperty(odd, options, async (word, option) => {
    const given = withRoot(option)
    await check('run', () => untyped(run)(['/no/such/program'], given))
    await check('run', () => untyped(run)(word, given))
    await check('create', () => untyped(create)(word, given))
    await check('create', () => untyped(create)(dir, given))
    await check('open', () => untyped(open)(word, given))
    await check('list', () => untyped(list)(given))
    await check('spec', () => untyped(spec)(given))
  })
  await fc.assert(property, { numRuns: Math.ceil(calls / 7) })
  t.deepEqual([...new Set(surprises)].slice(0, 20), [])
})

apiTest('arbitrary arguments to what is there do no harm', async (t, { root }) => {
  await using box = await sandbox({ root, cwd: '/' })
  const surprises: string[] = []
  const check = async (title: string, call: () => unknown): Promise<void> => {
    try {
      await call()
    } catch (error) {
      const known = error instanceof GantryError && error.code !== 'ERR_INTERNAL'
      if (!known) surprises.push(`${title}: ${error instanceof GantryError ? error.message : String(error)}`)
    }
  }
  const property = fc.asyncProperty(odd, options, async (word, option) => {
    const { fs } = box
    await check('exec', () => untyped(box.exec.bind(box))(['/no/such'], option))
    await check('exec', () => untyped(box.exec.bind(box))(word, {}))
    await check('kill', () => untyped(box.kill.bind(box))(`no ${String(typeof word)}`, option))
    await check('wait', () => untyped(box.wait.bind(box))({ signal: AbortSignal.abort(), all: word }))
    await check('update', () => untyped(box.update.bind(box))(word))
    await check('readFile', () => untyped(fs.readFile.bind(fs))(word, option))
    await check('writeFile', () => untyped(fs.writeFile.bind(fs))('/tmp/x', word, option))
    await check('mkdir', () => untyped(fs.mkdir.bind(fs))(word, option))
    await check('rm', () => untyped(fs.rm.bind(fs))('/no/such', option))
  })
  await fc.assert(property, { numRuns: Math.ceil(calls / 9) })
  t.deepEqual([...new Set(surprises)].slice(0, 20), [])
  t.is((await box.exec(['echo', 'fine'])).stdout, 'fine\n')
})

apiTest('a signal that is aborted at any moment leaves nothing', async (t, { root }) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 40 }), async (milliseconds) => {
      const controller = new AbortController()
      const proc: Proc = run(['sh', '-c', 'echo x; sleep 0.01'], {
        root,
        cwd: '/',
        signal: controller.signal,
        stdin: 'pipe',
      })
      setTimeout(() => controller.abort(), milliseconds)
      proc.stdin?.write('x')
      const outcome = await proc.then(
        () => 'ended',
        (error: unknown) => error instanceof GantryError && error.code,
      )
      t.true(outcome === 'ended' || outcome === 'ERR_ABORTED', String(outcome))
    }),
    { numRuns: 100 },
  )
})
