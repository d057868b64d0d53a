/** Containers of a user without privileges: through a user namespace where the config has one, else a clear error. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type BehaviourOptions, behaviour } from '../harness/behaviour.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { RunOptions, Session } from '../harness/session.js'
import { rootless, type Spec } from '../harness/spec.js'
import { noUserNamespaces, unprivileged } from '../harness/user.js'

const asUser: BehaviourOptions = { unprivileged: true, unless: noUserNamespaces }

/** A bundle of that user's, and how to call the runtime as them. */
function bundle(session: Session, args: readonly string[], edit: (spec: Spec) => void = () => undefined): RunOptions {
  session.openToEveryone()
  session.bundle({
    args,
    edit: (spec) => {
      rootless(spec, unprivileged.uid, unprivileged.gid)
      edit(spec)
    },
  })
  const root = session.directory('own-state')
  session.stateRoots.push(root)
  if (unprivileged.through.length > 0) session.shellSync(`chown -R ${unprivileged.uid}:${unprivileged.gid} . ${root}`)
  return { global: ['--root', root], through: unprivileged.through }
}

behaviour(
  'an unprivileged user runs a container in a user namespace',
  { runtimes: likeRunc, ...asUser },
  async (t, session) => {
    const user = bundle(session, [
      'sh',
      '-c',
      'id -u; id -g; cat /proc/self/uid_map; cat /proc/self/setgroups; touch /made && echo made',
    ])
    const { code, stdout, stderr } = await session.run(['run', session.id()], user)
    t.is(code, 0, stderr)
    t.deepEqual(stdout.trim().split(/\s+/), ['0', '0', '0', String(unprivileged.uid), '1', 'deny', 'made'])
  },
)

behaviour(
  'create, start, state, kill and delete are theirs too',
  { runtimes: likeRunc, ...asUser },
  async (t, session) => {
    const user = bundle(session, ['sleep', '60'])
    await session.ok(['create', session.id()], user)
    t.is(JSON.parse(await session.ok(['state', session.id()], user)).status, 'created')
    await session.ok(['start', session.id()], user)
    const { pid, status } = JSON.parse(await session.ok(['state', session.id()], user))
    t.is(status, 'running')
    t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\t${unprivileged.uid}\t`, 'm'))
    await session.ok(['kill', session.id(), 'KILL'], user)
    await session.ok(['delete', '--force', session.id()], user)
  },
)

behaviour('the devices are there, bound from the host', { runtimes: likeRunc, ...asUser }, async (t, session) => {
  const user = bundle(session, ['sh', '-c', 'echo x >/dev/null && head -c 4 /dev/zero | wc -c && ls -l /dev/null'])
  t.regex(await session.ok(['run', session.id()], user), /^4\ncrw-rw-rw-/)
})

behaviour(
  'a new network namespace, masked and read-only paths work',
  { runtimes: likeRunc, ...asUser },
  async (t, session) => {
    const user = bundle(
      session,
      ['sh', '-c', 'cat /sys/class/net/lo/flags; cat /proc/timer_list; touch /proc/sys/new 2>&1; echo done'],
      (spec) => {
        spec.linux.namespaces.push({ type: 'network' })
        spec.mounts = spec.mounts.map((mount) =>
          mount.destination === '/sys'
            ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] }
            : mount,
        )
      },
    )
    const output = await session.ok(['run', session.id()], user)
    t.regex(output, /^0x9\n/)
    t.regex(output, /done\n$/)
  },
)

behaviour(
  'without a user namespace in the config the error says that one is missing',
  { runtimes: ours, ...asUser },
  async (t, session) => {
    const user = bundle(session, ['true'], (spec) => {
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'user')
      delete spec.linux.uidMappings
      delete spec.linux.gidMappings
    })
    for (const command of [['run'], ['create'], ['start', '--bundle', '.']]) {
      const { code, stdout, message } = await session.run([...command, session.id()], user)
      t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
      t.regex(message, /user namespace/)
    }
  },
)

behaviour("ids of others can't be mapped", { runtimes: likeRunc, ...asUser }, async (t, session) => {
  const user = bundle(session, ['true'], (spec) => (spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]))
  const { code, message } = await session.run(['run', session.id()], user)
  t.is(code, 1)
  if (session.runtime.name !== 'runc') t.regex(message, /uid|id map/i)
})

behaviour('a limit is an error where no cgroup is theirs', { runtimes: likeRunc, ...asUser }, async (t, session) => {
  const user = bundle(session, ['true'], (spec) => (spec.linux.resources = { memory: { limit: 64 << 20 } }))
  const { code, message } = await session.run(['run', session.id()], user)
  t.is(code, 1)
  t.regex(message, /cgroup|memory/)
})

behaviour(
  "additional groups are an error where they can't be had",
  { runtimes: likeRunc, ...asUser },
  async (t, session) => {
    const user = bundle(session, ['true'], (spec) => (spec.process.user.additionalGids = [0]))
    const { code, message } = await session.run(['run', session.id()], user)
    t.is(code, 1)
    t.regex(message, /group|Gids/i)
  },
)

behaviour('the default root directory is below XDG_RUNTIME_DIR', { runtimes: ours, ...asUser }, async (t, session) => {
  const user = bundle(session, ['sleep', '60'])
  const runtimeDirectory = session.directory('xdg')
  if (unprivileged.through.length > 0)
    session.shellSync(`chown ${unprivileged.uid}:${unprivileged.gid} ${runtimeDirectory}`)
  session.stateRoots.push(`${runtimeDirectory}/gantry`)
  const options = { global: [], through: user.through ?? [], env: { XDG_RUNTIME_DIR: runtimeDirectory } }
  t.is(await session.ok(['list', '--quiet'], options), '')
  await session.ok(['run', '-d', session.id()], options)
  t.is(session.shellSync(`ls ${runtimeDirectory}/gantry`), `${session.id()}\n`)
  // Sticky, against those who clean up such directories.
  t.is(session.shellSync(`stat -c %a ${runtimeDirectory}/gantry`), '1700\n')
  t.is(await session.ok(['list', '--quiet'], options), `${session.id()}\n`)
  await session.ok(['delete', '--force', session.id()], options)
})

behaviour('root does not use XDG_RUNTIME_DIR', { runtimes: ours }, async (t, session) => {
  const directory = session.directory('xdg')
  session.bundle({ args: ['sleep', '60'] })
  const options = { global: [], env: { XDG_RUNTIME_DIR: directory } }
  await session.ok(['run', '-d', session.id()], options)
  t.is(session.shellSync(`ls ${directory}; ls -d /run/gantry/${session.id()}`), `/run/gantry/${session.id()}\n`)
  await session.ok(['delete', '--force', session.id()], options)
  t.is(session.shellSync(`ls -d /run/gantry/${session.id()} 2>/dev/null || echo gone`), 'gone\n')
})

behaviour('a setuid runtime refuses to run', { runtimes: ['gantry'] }, async (t, session) => {
  // CVE-2016-8659 and relatives: setup code with more rights than its caller.
  session.openToEveryone()
  session.bundle()
  const copy = session.path('setuid-gantry')
  writeFileSync(copy, readFileSync(session.runtime.command.at(-1) ?? ''))
  session.shellSync(`chmod 4755 ${copy}`)
  const { code, stdout, stderr } = await session.start([
    ...unprivileged.through,
    copy,
    '--root',
    session.root,
    'run',
    session.id(),
  ]).finished
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(stderr, /setuid|set-user-ID/i)
})
