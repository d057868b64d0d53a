/** What the Node API says when something can't be done. */
import { GantryError, type RunOptions, run } from '../../src/index.js'
import { apiTest, type Place } from '../harness/api.js'

for (const [title, argv, options, expected] of [
  [
    'an absent program',
    ['no-such-program'],
    {},
    { code: 'ERR_EXEC_NOT_FOUND', step: 'find program', errno: 2, path: 'no-such-program' },
  ],
  ['an absent file', ['/no/such'], {}, { code: 'ERR_EXEC_NOT_FOUND', errno: 2, path: '/no/such' }],
  ['what is not executable', ['/etc/passwd'], {}, { code: 'ERR_EXEC_DENIED', errno: 13, path: '/etc/passwd' }],
  ['a descriptor that is not open', ['true'], { stdout: 999 }, { code: 'ERR_START', errno: 9, path: '999' }],
  ['an absent root', ['true'], { rootfs: { dir: '/no/such/root' } }, { errno: 2, path: '/no/such/root' }],
  ['an absent writable directory', ['true'], { rootfs: { host: true, writable: ['/no/such'] } }, { errno: 2 }],
] satisfies [string, string[], RunOptions, object][]) {
  apiTest(`${title} is an error with its parts`, async (t, { root }) => {
    const error = await t.throwsAsync(run(argv, { root, ...options }), { instanceOf: GantryError })
    t.like(error, expected)
    t.notRegex(error?.message ?? '', /\n/)
  })
}

/** As a program without types may call it. */
const calls: readonly [string, (place: Place) => Promise<unknown>, RegExp][] = [
  ['no program', ({ root }) => run([], { root }), /^argv: /],
  ['a misspelt option', ({ root }) => run(['true'], untyped({ root, timeOut: 5 })), /unknown name "timeOut"/],
  [
    'a misspelt limit',
    ({ root }) => run(['true'], untyped({ root, limits: { mem: 5 } })),
    /limits: unknown name "mem"/,
  ],
  ['a negative timeout', ({ root }) => run(['true'], { root, timeout: -1 }), /^timeout: /],
  ['a timeout that is no number', ({ root }) => run(['true'], { root, timeout: Number.NaN }), /^timeout: .*NaN/],
  ['an unknown network', ({ root }) => run(['true'], untyped({ root, network: 'bridge' })), /^network: .*bridge/],
  ['an unknown encoding', ({ root }) => run(['true'], untyped({ root, encoding: 'latin1' })), /^encoding: /],
  ['an unknown stream', ({ root }) => run(['true'], untyped({ root, stdout: 'tee' })), /^stdout: .*tee/],
  ['two inputs', ({ root }) => run(['true'], { root, stdin: 'inherit', input: 'x' }), /exclude each other/],
  ['half a process', ({ root }) => run(['true'], { root, limits: { pids: 1.5 } }), /^limits.pids: expected a whole/],
  ['no memory', ({ root }) => run(['true'], { root, limits: { memory: 0 } }), /^limits.memory: /],
  ['a variable with = in its name', ({ root }) => run(['true'], { root, env: { 'A=B': 'c' } }), /^env: "A=B"/],
  ['no root file system', ({ root }) => run(['true'], untyped({ root, rootfs: {} })), /^rootfs: /],
  ['options that are none', () => run(['true'], untyped(null)), /^options: /],
  ['a signal that is none', ({ root }) => run(['true'], untyped({ root, signal: {} })), /^signal: /],
]

for (const [title, call, message] of calls) {
  apiTest(`${title} is refused`, async (t, place) => {
    await t.throwsAsync(call(place), { instanceOf: GantryError, code: 'ERR_INVALID_ARGUMENT', message })
  })
}

apiTest('a NUL in an argument is refused', async (t, { root }) => {
  await t.throwsAsync(run(['echo', 'a\0b'], { root }), { instanceOf: GantryError })
})

function untyped(options: unknown): RunOptions {
  return JSON.parse(JSON.stringify(options))
}
