/** create, start, kill, delete, state, list, spec: what they ask of the host, and what they make of its answers. */
import test from 'ava'
import { createContainer } from '../../src/lifecycle/create.js'
import { deleteContainer } from '../../src/lifecycle/delete.js'
import { killContainer } from '../../src/lifecycle/kill.js'
import { listContainers } from '../../src/lifecycle/list.js'
import { writeSpec } from '../../src/lifecycle/spec.js'
import { startContainer } from '../../src/lifecycle/start.js'
import { containerState } from '../../src/lifecycle/state.js'
import { fixture, inspection } from './support.js'

const container = { root: '/r', id: 'web' }
const has = (...all: Parameters<typeof inspection>) => ({ containers: { '/r': [inspection(...all)] } })

test('create launches with a gate, and gives the pid', async (t) => {
  const { context, verbs, plan, host } = fixture()
  const pid = await createContainer(context, container, { bundle: '/b' })
  t.deepEqual(verbs(), ['readText', 'facts', 'launch', 'close'])
  t.true(plan().init.steps.includes('gate'))
  t.is((await containerState(host, container)).pid, pid)
})

test('create: an id is unique in its root', async (t) => {
  const { context } = fixture(has())
  await t.throwsAsync(createContainer(context, container, { bundle: '/b' }), { name: 'HostFailure' })
  await t.notThrowsAsync(createContainer(context, { ...container, root: '/other' }, { bundle: '/b' }))
})

test('start opens the gate', async (t) => {
  const { context, verbs } = fixture(has({ status: 'created' }))
  await startContainer(context, container)
  t.deepEqual(verbs(), ['start'])
})

test('start under a service manager waits until the service is ready', async (t) => {
  const env = { NOTIFY_SOCKET: '/run/systemd/notify' }
  const { context, verbs, request } = fixture({ ...has({ status: 'created', pid: 9 }), caller: { env } })
  await startContainer(context, container)
  t.deepEqual(verbs(), ['start', 'inspect', 'awaitReady'])
  t.like(request('awaitReady'), { ...container, pid: 9 })
})

test('kill sends the number of the signal', async (t) => {
  const { host, request } = fixture(has())
  await killContainer(host, container, 'SIGHUP', false)
  t.deepEqual(request('signal'), { ...container, signal: 1, all: false })
})

test('kill of a stopped container is an error, but not for all', async (t) => {
  const { host } = fixture(has({ status: 'stopped', pid: 0 }))
  await t.throwsAsync(killContainer(host, container, 'KILL', false), { name: 'HostFailure' })
  await t.notThrowsAsync(killContainer(host, container, 'KILL', true))
  await t.throwsAsync(killContainer(host, { ...container, id: 'none' }, 'KILL', true), { name: 'HostFailure' })
})

test('delete of a running container says in which state it is', async (t) => {
  const { host, context } = fixture(has())
  await t.throwsAsync(deleteContainer(context, container, false), {
    message: 'cannot delete container web that is not stopped: running',
  })
  await deleteContainer(context, container, true)
  t.deepEqual(host.containersOf('/r'), [])
})

test('delete of one that does not exist is an error unless it is forced', async (t) => {
  const { context } = fixture()
  await t.throwsAsync(deleteContainer(context, container, false), { name: 'HostFailure' })
  await t.notThrowsAsync(deleteContainer(context, container, true))
})

test('delete --force hides no other failure', async (t) => {
  const { context } = fixture({ failures: { destroy: { step: 'remove cgroup', object: '/c', errno: 16 } } })
  await t.throwsAsync(deleteContainer(context, container, true), { name: 'HostFailure' })
})

test('delete tells of hooks that failed', async (t) => {
  const failed = { step: 'run poststop hook', object: '#0 (/bin/x)', errno: 2 }
  const { context, warnings } = fixture({ ...has({ status: 'stopped' }), warnings: [failed] })
  await deleteContainer(context, container, false)
  t.deepEqual(warnings, ['error running poststop hook #0 (/bin/x): no such file or directory'])
})

test('state has the keys of runc in their order, annotations sorted and only where there are some', async (t) => {
  const { host } = fixture(has({ annotations: { b: '2', a: '1' } }))
  const state = await containerState(host, container)
  const keys = ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'annotations', 'owner']
  t.deepEqual(Object.keys(state), keys)
  t.deepEqual(Object.keys(state.annotations ?? {}), ['a', 'b'])
  t.false('annotations' in (await containerState(fixture(has()).host, container)))
})

test('list goes on over a record that can not be read', async (t) => {
  const { host } = fixture({
    containers: {
      '/r': [
        inspection({ id: 'b', owner: 1000 }),
        { id: 'a', failure: { step: 'read record', object: 'a', errno: 74 } },
        inspection({ id: 'c', owner: 4 }),
      ],
    },
    files: { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n' },
  })
  const { containers, problems } = await listContainers(host, { path: '/r', isDefault: false })
  t.deepEqual(
    containers.map(({ id, owner }) => [id, owner]),
    [
      ['b', 'me'],
      ['c', '#4'],
    ],
  )
  t.deepEqual(problems, ['load container a: cannot read record a: bad message'])
})

test('list of a root that is not there: empty where it is the default, else an error', async (t) => {
  const { host } = fixture()
  t.deepEqual((await listContainers(host, { path: '/none', isDefault: true })).containers, [])
  await t.throwsAsync(listContainers(host, { path: '/none', isDefault: false }), { message: /\/none: no such file/ })
})

test('spec writes a valid config.json, and never over another one', async (t) => {
  const { host, context } = fixture({ files: {}, caller: { cwd: '/here' } })
  await writeSpec(host, 'web', false)
  const text = host.files.get('/here/web/config.json')
  t.truthy(text)
  await t.throwsAsync(writeSpec(host, 'web', false), { message: 'file config.json exists: remove it first' })
  t.is(host.files.get('/here/web/config.json'), text)
  await t.notThrowsAsync(createContainer(context, container, { bundle: 'web', consoleSocket: '/s' }))
})

test('spec --rootless maps the ids of the caller', async (t) => {
  const { host } = fixture({ files: {}, facts: { euid: 1000, egid: 100 } })
  await writeSpec(host, '/b', true)
  const { linux } = JSON.parse(host.files.get('/b/config.json') ?? '')
  t.deepEqual(linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }])
  t.deepEqual(linux.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }])
})
