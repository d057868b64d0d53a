import test from 'ava'
import { type SandboxOptions, sandboxSpec } from '../../src/spec/sandbox.js'

const OPTIONS: SandboxOptions = { args: ['ls'], cwd: '/', env: [], writable: [], network: 'none' }

/** One id, the caller's, as root. */
const SINGLE = {
  uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
}

test('nothing of the machine can be written or reached', (t) => {
  const { spec, root } = sandboxSpec(OPTIONS)
  t.true(root.readonlyView)
  t.deepEqual(spec.root, { path: '/', readonly: true })
  t.deepEqual(spec.process.capabilities, {})
  t.true(spec.process.noNewPrivileges)
  t.deepEqual(
    spec.linux?.namespaces?.map(({ type }) => type),
    ['pid', 'mount', 'ipc', 'uts', 'cgroup', 'network'],
  )
  t.deepEqual(
    spec.mounts?.filter(({ options = [] }) => options.includes('rbind')),
    [],
  )
  for (const hidden of ['/dev', '/proc', '/sys', '/tmp', '/run']) {
    t.true(
      spec.mounts?.some(({ destination }) => destination === hidden),
      hidden,
    )
  }
})

test('a writable directory is a bind without setuid programs and devices, after the private mounts', (t) => {
  const { spec } = sandboxSpec({ ...OPTIONS, writable: ['/tmp/work'] })
  t.deepEqual(spec.mounts?.at(-1), {
    destination: '/tmp/work',
    type: 'none',
    source: '/tmp/work',
    options: ['rbind', 'rnosuid', 'rnodev'],
  })
})

test('limits are asked for only where given', (t) => {
  t.deepEqual(sandboxSpec(OPTIONS).spec.linux?.resources, {})
  t.deepEqual(sandboxSpec({ ...OPTIONS, memory: 1 << 20, pids: 8, cpus: 0.5 }).spec.linux?.resources, {
    memory: { limit: 1 << 20, swap: 1 << 20 },
    pids: { limit: 8 },
    cpu: { quota: 50_000, period: 100_000 },
  })
})

test('in a user namespace of one id there is no group for terminals', (t) => {
  const terminals = (options: SandboxOptions) =>
    sandboxSpec(options)
      .spec.mounts?.find(({ type }) => type === 'devpts')
      ?.options?.includes('gid=5')
  t.true(terminals(OPTIONS))
  t.false(terminals({ ...OPTIONS, userNamespace: SINGLE }))
})

test('with the host’s network, an unprivileged caller sees the host’s sysfs, read-only', (t) => {
  const { spec } = sandboxSpec({ ...OPTIONS, network: 'host', userNamespace: SINGLE })
  t.false(spec.linux?.namespaces?.some(({ type }) => type === 'network'))
  t.deepEqual(spec.mounts?.find(({ destination }) => destination === '/sys')?.options, [
    'rbind',
    'rro',
    'rnosuid',
    'rnoexec',
    'rnodev',
  ])
})

test('a directory in place of this machine is read-only, but what is missing in it can be made', (t) => {
  const { spec, root } = sandboxSpec({ ...OPTIONS, rootfs: '/srv/root' })
  t.false(root.readonlyView)
  t.deepEqual(spec.root, { path: '/srv/root', readonly: true })
})

test('PATH is set unless the caller sets it', (t) => {
  t.true(sandboxSpec(OPTIONS).spec.process.env?.[0]?.startsWith('PATH=/usr/local/sbin:'))
  t.deepEqual(sandboxSpec({ ...OPTIONS, env: ['PATH=/bin'] }).spec.process.env, ['PATH=/bin'])
})

test('wrong options are refused like a wrong config.json', (t) => {
  t.throws(() => sandboxSpec({ ...OPTIONS, args: [] }), {
    name: 'SpecError',
    message: 'sandbox: process.args: expected at least one string, found an empty list',
  })
  t.throws(() => sandboxSpec({ ...OPTIONS, writable: ['/proc/sys'] }), { name: 'SpecError', message: /inside \/proc/ })
})
