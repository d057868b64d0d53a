import test from 'ava'
import { runSandbox, type SandboxOptions } from '../../src/lifecycle/sandbox.js'
import { fixture } from './support.js'

const options: SandboxOptions = { args: ['ls'], env: [], writable: [], network: 'none' }
const me = { euid: 1000, egid: 100, capabilities: [] }
const passwd = 'root:x:0:0::/root:/bin/sh\nme:x:1000:100::/home/me:/bin/sh\n'

test('runs the command and leaves nothing', async (t) => {
  const { context, host, verbs, plan } = fixture({ files: {}, exit: { exitCode: 5 } })
  t.deepEqual(await runSandbox(context, options), { exitCode: 5 })
  t.deepEqual(verbs(), ['facts', 'launch', 'supervise', 'destroy'])
  t.like(plan().record, { root: '/run/gantry-sandbox', rootfs: '/', bundle: '/work' })
  t.deepEqual(host.containersOf('/run/gantry-sandbox'), [])
})

test('root needs no user namespace; the command runs where the caller is', async (t) => {
  const { context, plan } = fixture()
  await runSandbox(context, options)
  t.false(plan().init.namespaces.some(({ kind }) => kind === 'user'))
  const steps = plan().init.steps
  t.deepEqual(
    steps.find((step) => typeof step === 'object' && 'workingDirectory' in step),
    { workingDirectory: { path: '/work' } },
  )
})

test('in another root the command runs at its top, and paths are taken from the directory of the caller', async (t) => {
  const { context, plan } = fixture()
  await runSandbox(context, { ...options, rootfs: 'r', writable: ['out'] })
  t.is(plan().record.rootfs, '/work/r')
  const { steps } = plan().init
  t.deepEqual(
    steps.find((step) => typeof step === 'object' && 'workingDirectory' in step),
    { workingDirectory: { path: '/' } },
  )
  t.true(JSON.stringify(steps).includes('"target":"/work/out"'))
})

test('a directory to run in that is not there is told, not made', async (t) => {
  const { context, plan } = fixture({ files: { '/work/there/file': '' } })
  await t.throwsAsync(runSandbox(context, { ...options, cwd: 'missing' }), { message: /\/work\/missing: no such dir/ })
  await runSandbox(context, { ...options, cwd: 'there' })
  t.true(JSON.stringify(plan().init.steps).includes('{"workingDirectory":{"path":"/work/there"}}'))
})

test('an unprivileged user without ranges maps their own ids', async (t) => {
  const { context, plan } = fixture({ facts: me, files: { '/etc/passwd': passwd } })
  await runSandbox(context, options)
  t.like(plan().init.idMaps, {
    uids: [{ inside: 0, outside: 1000, size: 1 }],
    gids: [{ inside: 0, outside: 100, size: 1 }],
    helpers: false,
    denySetgroups: true,
  })
})

const ranges = {
  '/etc/passwd': passwd,
  '/etc/subuid': 'root:1:2\nme:100000:65536\n1000:300000:10\nbad:x:1\nme:y:1\n',
  '/etc/subgid': 'me:200000:65536\n',
}

test('with ranges of subuid(5) and subgid(5) they are mapped too, through the helpers', async (t) => {
  const { context, plan } = fixture({ facts: me, files: ranges })
  await runSandbox(context, options)
  t.like(plan().init.idMaps, {
    uids: [
      { inside: 0, outside: 1000, size: 1 },
      { inside: 1, outside: 100000, size: 65536 },
      { inside: 65537, outside: 300000, size: 10 },
    ],
    gids: [
      { inside: 0, outside: 100, size: 1 },
      { inside: 1, outside: 200000, size: 65536 },
    ],
    helpers: true,
  })
})

for (const failure of [
  { step: 'map ids through', object: 'newuidmap', errno: 2 },
  { step: 'map ids: newgidmap said:', object: 'no', errno: 0 },
]) {
  test(`one id has to do when: ${failure.step}`, async (t) => {
    const { context, host, warnings } = fixture({ facts: me, files: ranges, failures: { launch: failure } })
    await t.throwsAsync(runSandbox(context, options), { name: 'HostFailure' })
    t.deepEqual(
      host.plans.map(({ init }) => init.idMaps?.helpers),
      [true, false],
    )
    t.is(warnings.length, 1)
  })
}

test('no other failure is tried again', async (t) => {
  const failures = { launch: { step: 'mount', object: 'proc', errno: 1 } }
  const { context, host } = fixture({ facts: me, files: ranges, failures })
  await t.throwsAsync(runSandbox(context, options), { name: 'HostFailure' })
  t.is(host.plans.length, 1)
})

const roots: readonly [
  what: string,
  facts: object,
  env: Record<string, string>,
  files: Record<string, string>,
  root: string,
][] = [
  ['root', {}, {}, {}, '/run/gantry-sandbox'],
  ['a user with a runtime directory', me, { XDG_RUNTIME_DIR: '/x' }, {}, '/x/gantry-sandbox'],
  ['a user with an unnamed one', me, {}, { '/run/user/1000/bus': '' }, '/run/user/1000/gantry-sandbox'],
  ['a user without any', me, {}, {}, '/tmp'],
]
for (const [what, facts, env, files, root] of roots) {
  test(`the record of ${what} is in ${root}`, async (t) => {
    const { context, plan } = fixture({ facts, files, caller: { env } })
    await runSandbox(context, options)
    t.is(plan().record.root, root)
    t.regex(plan().record.id, /^gantry-sandbox-100-[a-z0-9]+$/)
  })
}

test('--root counts for sandboxes too', async (t) => {
  const { context, plan } = fixture()
  await runSandbox(context, { ...options, root: '/r' })
  t.is(plan().record.root, '/r')
})
