/** `spec`: a config.json to start from. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { makeRootfs } from '../harness/rootfs.js'
import { ours } from '../harness/runtime.js'
import { unprivileged } from '../harness/user.js'

behaviour("spec writes a config.json that says what runc's says", {}, async (t, session) => {
  session.cwd = session.directory('new')
  t.like(await session.run(['spec'], { global: [] }), { code: 0, stdout: '', stderr: '' })
  const text = readFileSync(`${session.cwd}/config.json`, 'utf8')
  const spec = JSON.parse(text)
  t.is(text.trimEnd(), JSON.stringify(spec, undefined, '\t'))
  t.regex(spec.ociVersion, session.runtime.name === 'runc' ? /^1\.0\.2/ : /^1\.3\.0$/)
  t.like(spec.process, { terminal: true, user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', noNewPrivileges: true })
  t.deepEqual(spec.process.env, ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'])
  t.deepEqual(spec.root, { path: 'rootfs', readonly: true })
  t.deepEqual(spec.process.rlimits, [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }])
  t.deepEqual(
    spec.mounts.map(({ destination }: { destination: string }) => destination),
    ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/sys/fs/cgroup'],
  )
  t.deepEqual(spec.linux.namespaces.map(({ type }: { type: string }) => type).slice(0, 5), [
    'pid',
    'network',
    'ipc',
    'uts',
    'mount',
  ])
  t.deepEqual(spec.linux.resources, { devices: [{ allow: false, access: 'rwm' }] })
  t.true(spec.linux.maskedPaths.includes('/proc/kcore'))
  t.deepEqual(spec.linux.readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'])
})

behaviour('spec grants no inheritable and no ambient capabilities', { runtimes: ours }, async (t, session) => {
  // CVE-2022-29162.
  session.cwd = session.directory('new')
  await session.ok(['spec'], { global: [] })
  const { capabilities } = JSON.parse(readFileSync(`${session.cwd}/config.json`, 'utf8')).process
  for (const set of ['bounding', 'effective', 'permitted'])
    t.deepEqual(capabilities[set], ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'])
  t.deepEqual(capabilities.inheritable ?? [], [])
  t.deepEqual(capabilities.ambient ?? [], [])
})

behaviour('a container runs from what spec writes', {}, async (t, session) => {
  session.cwd = session.directory('new')
  await session.ok(['spec'], { global: [] })
  makeRootfs(`${session.cwd}/rootfs`)
  const path = `${session.cwd}/config.json`
  const spec = JSON.parse(readFileSync(path, 'utf8'))
  spec.process.terminal = false
  spec.process.args = ['echo', 'it runs']
  writeFileSync(path, JSON.stringify(spec))
  t.is(await session.ok(['run', session.id()]), 'it runs\n')
})

behaviour('spec does not overwrite a config.json', {}, async (t, session) => {
  session.cwd = session.directory('new')
  writeFileSync(`${session.cwd}/config.json`, 'mine')
  const { code, message } = await session.run(['spec'], { global: [] })
  t.is(code, 1)
  t.regex(message, /exist/)
  t.is(readFileSync(`${session.cwd}/config.json`, 'utf8'), 'mine')
})

for (const option of ['--bundle', '-b']) {
  behaviour(`spec ${option} writes into another directory, with the caller's umask`, {}, async (t, session) => {
    const directory = session.directory('new')
    const command = session.commandLine(['spec', option, directory], { global: [] })
    const { code } = await session.start(['sh', '-c', 'umask 0027; exec "$@"', 'sh', ...command], {
      cwd: '/',
      env: session.runtime.env,
    }).finished
    t.is(code, 0)
    t.is(statSync(`${directory}/config.json`).mode & 0o777, 0o640)
    t.false(existsSync('/config.json'))
  })
}

behaviour('spec --rootless writes one that its user can run', { unprivileged: true }, async (t, session) => {
  session.openToEveryone()
  session.cwd = session.directory('new')
  session.shellSync('chmod 777 .')
  await session.ok(['spec', '--rootless'], { global: [], through: unprivileged.through })
  const spec = JSON.parse(readFileSync(`${session.cwd}/config.json`, 'utf8'))
  t.deepEqual(spec.linux.uidMappings, [{ containerID: 0, hostID: unprivileged.uid, size: 1 }])
  t.deepEqual(spec.linux.gidMappings, [{ containerID: 0, hostID: unprivileged.gid, size: 1 }])
  t.true(spec.linux.namespaces.some(({ type }: { type: string }) => type === 'user'))
  t.false(spec.linux.namespaces.some(({ type }: { type: string }) => type === 'network'))
  makeRootfs(`${session.cwd}/rootfs`)
  if (unprivileged.through.length > 0) session.shellSync(`chown -R ${unprivileged.uid}:${unprivileged.gid} rootfs`)
  spec.process.terminal = false
  spec.process.args = ['id', '-u']
  session.shellSync('rm config.json')
  writeFileSync(`${session.cwd}/config.json`, JSON.stringify(spec))
  t.is(
    await session.ok(['run', session.id()], {
      global: ['--root', `${session.directory('own')}`],
      through: ['sh', '-c', `chmod 777 ${session.dir}/own; exec "$@"`, 'sh', ...unprivileged.through],
    }),
    '0\n',
  )
})
