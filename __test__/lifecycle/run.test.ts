import test from 'ava'
import { runContainer } from '../../src/lifecycle/run.js'
import { config, fixture } from './support.js'

const container = { root: '/r', id: 'web' }
const bundle = '/b'

test('in the foreground: launched, waited for, deleted; the status is that of the program', async (t) => {
  const { context, verbs, host, request } = fixture({ exit: { exitCode: 7 } })
  t.deepEqual(await runContainer(context, container, { bundle }), { exitCode: 7 })
  t.deepEqual(verbs(), ['readText', 'facts', 'launch', 'supervise', 'destroy'])
  t.like(request('supervise'), { ...container, subreaper: true, forwardSignals: true })
  t.deepEqual(host.containersOf('/r'), [])
})

test('without a service manager there is no gate: one exchange with init less', async (t) => {
  const { context, plan } = fixture()
  await runContainer(context, container, { bundle })
  t.false(plan().init.steps.includes('gate'))
  t.false(plan().notifyDirectory)
})

test('a signal is told as such', async (t) => {
  const { context } = fixture({ exit: { signal: 9 } })
  t.deepEqual(await runContainer(context, container, { bundle }), { signal: 9 })
})

test('--keep leaves the container, --no-subreaper leaves orphans', async (t) => {
  const { context, verbs, host, request } = fixture()
  await runContainer(context, container, { bundle, keep: true, noSubreaper: true })
  t.false(verbs().includes('destroy'))
  t.like(request('supervise'), { subreaper: false })
  t.deepEqual(host.containersOf('/r'), ['web'])
})

test('--detach returns at once and leaves the container', async (t) => {
  const { context, verbs, host } = fixture()
  t.is(await runContainer(context, container, { bundle, detach: true }), undefined)
  t.deepEqual(verbs(), ['readText', 'facts', 'launch', 'close'])
  t.deepEqual(host.containersOf('/r'), ['web'])
})

test('under a service manager the notify socket is there before the program, and its messages are forwarded', async (t) => {
  const { context, verbs, plan, request } = fixture({ caller: { env: { NOTIFY_SOCKET: '/run/systemd/notify' } } })
  await runContainer(context, container, { bundle })
  t.deepEqual(verbs(), ['readText', 'facts', 'launch', 'start', 'supervise', 'destroy'])
  t.true(plan().init.steps.includes('gate'))
  t.true(plan().notifyDirectory)
  t.like(request('start'), { notifySocket: '/run/systemd/notify' })
  const { notifier } = Object(request('supervise'))
  t.is(typeof notifier, 'number')
})

test('detached under a service manager: until the service is ready', async (t) => {
  const { context, verbs } = fixture({ caller: { env: { NOTIFY_SOCKET: '/run/systemd/notify' } } })
  await runContainer(context, container, { bundle, detach: true })
  t.deepEqual(verbs(), ['readText', 'facts', 'launch', 'start', 'awaitReady', 'close'])
})

for (const verb of ['start', 'supervise', 'awaitReady'] as const) {
  test(`a failure of ${verb} deletes the container`, async (t) => {
    const { context, host } = fixture({
      caller: { env: { NOTIFY_SOCKET: '/run/systemd/notify' } },
      failures: { [verb]: { step: 'something', object: '', errno: 5 } },
    })
    await t.throwsAsync(runContainer(context, container, { bundle, detach: verb === 'awaitReady' }), {
      message: /something/,
    })
    t.deepEqual(host.containersOf('/r'), [])
  })
}

test('a failed launch is not followed by anything: the host has cleaned up', async (t) => {
  const { context, verbs } = fixture({ failures: { launch: { step: 'mount', object: 'proc', errno: 1 } } })
  await t.throwsAsync(runContainer(context, container, { bundle }))
  t.deepEqual(verbs(), ['readText', 'facts', 'launch'])
})

test('paths are made absolute from the directory of the caller', async (t) => {
  const { context, plan, host } = fixture({
    caller: { cwd: '/home/me' },
    files: { '/home/me/web/config.json': config({ terminal: true }) },
  })
  await runContainer(context, container, {
    bundle: 'web/.',
    pidFile: '../web.pid',
    consoleSocket: 'tty.sock',
    pidfdSocket: './fd.sock',
    detach: true,
  })
  t.like(plan(), {
    pidFile: '/home/web.pid',
    consoleSocket: '/home/me/tty.sock',
    pidfdSocket: '/home/me/fd.sock',
    record: { bundle: '/home/me/web', rootfs: '/home/me/web/rootfs' },
  })
  t.is(host.calls[0]?.request, '/home/me/web/config.json')
})

const listen = { LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:https' }

test('activated descriptors are passed on when they are meant for us', async (t) => {
  const { context, plan } = fixture({ caller: { pid: 42, env: { ...listen, LISTEN_PID: '42' } } })
  await runContainer(context, container, { bundle, preserveFds: 1 })
  t.deepEqual(plan().descriptors.inherit, [3, 4, 5])
})

for (const env of [{ ...listen, LISTEN_PID: '41' }, listen, { LISTEN_PID: '42', LISTEN_FDS: 'x' }]) {
  test(`descriptors are not taken from ${JSON.stringify(env)}`, async (t) => {
    const { context, plan } = fixture({ caller: { pid: 42, env } })
    await runContainer(context, container, { bundle })
    t.deepEqual(plan().descriptors.inherit, [])
  })
}

const terminals: readonly [what: string, terminal: boolean, options: object, message: RegExp][] = [
  ['detached without a receiver', true, { detach: true }, /cannot allocate tty if gantry will detach without setting/],
  ['a socket in the foreground', true, { consoleSocket: '/s' }, /cannot use console socket if gantry will not detach/],
  ['a socket without a terminal', false, { consoleSocket: '/s', detach: true }, /cannot use console socket/],
  ['a console without a terminal', false, { console: '/dev/pts/1' }, /no process.terminal/],
  ['both', true, { console: '/dev/pts/1', consoleSocket: '/s', detach: true }, /together/],
]
for (const [what, terminal, options, message] of terminals) {
  test(`terminal: ${what} is refused before anything happens`, async (t) => {
    const { context, verbs } = fixture({ files: { '/b/config.json': config({ terminal }) } })
    await t.throwsAsync(runContainer(context, container, { bundle, ...options }), { message })
    t.deepEqual(verbs(), ['readText'])
  })
}

test('terminal: a given pty slave serves a detached container', async (t) => {
  const { context, plan } = fixture({ files: { '/b/config.json': config({ terminal: true }) } })
  await runContainer(context, container, { bundle, console: '/dev/pts/1', detach: true })
  const terminal = plan().init.steps.find((step) => typeof step === 'object' && 'terminal' in step)
  t.like(terminal, { terminal: { slave: '/dev/pts/1' } })
})

test('a config that is wrong is told with its file and field', async (t) => {
  const { context, verbs } = fixture({ files: { '/b/config.json': config({ args: [1] }) } })
  await t.throwsAsync(runContainer(context, container, { bundle }), { message: /\/b\/config\.json.*process\.args/ })
  t.deepEqual(verbs(), ['readText'])
})

test('a user without privileges and without a user namespace is told what is missing', async (t) => {
  const { context, verbs } = fixture({ facts: { euid: 1000, egid: 1000, capabilities: [] } })
  await t.throwsAsync(runContainer(context, container, { bundle }), { message: /user namespace/ })
  t.false(verbs().includes('launch'))
})

test('warnings of the plan are heard', async (t) => {
  const capabilities = { bounding: ['CAP_FLY'], permitted: [], effective: [] }
  const { context, warnings } = fixture({ files: { '/b/config.json': config({ capabilities }) } })
  await runContainer(context, container, { bundle })
  t.regex(warnings.join(), /CAP_FLY/)
})
