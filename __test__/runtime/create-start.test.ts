/** `create` and `start`: a container that waits, and what lets it go. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { isAlive, parentOf } from '../harness/machine.js'
import { helper, noPython } from '../harness/python.js'
import { everyone, ours } from '../harness/runtime.js'
import { driver } from '../harness/session.js'
import { until } from '../harness/until.js'

behaviour(
  'create makes a container whose program does not run yet; start runs it',
  { runtimes: everyone },
  async (t, session) => {
    const bundle = session.bundle({ args: ['sh', '-c', 'echo started >/started; sleep 60'] })
    t.is(await session.ok(['create', session.id()]), '')
    const { status, pid } = await session.state()
    t.is(status, 'created')
    t.true(isAlive(pid))
    t.false(existsSync(`${bundle}/rootfs/started`))
    t.is(await session.ok(['start', session.id()]), '')
    t.is((await session.state()).status, 'running')
    t.is((await session.state()).pid, pid)
    await until('the program has run', () => existsSync(`${bundle}/rootfs/started`))
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour("what create had as standard streams are the container's", { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sh', '-c', 'cat; echo err >&2'] })
  const create = session.spawn(['create', session.id()], { input: 'in\n' })
  t.is((await create.finished).code, 0)
  await session.ok(['start', session.id()])
  await session.reaches('stopped')
  t.is(create.stdout(), 'in\n')
  t.is(create.stderr(), 'err\n')
  await session.ok(['delete', session.id()])
})

behaviour('start of a running container is refused', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '-d', session.id()])
  const { code, message } = await session.run(['start', session.id()])
  t.is(code, 1)
  if (session.runtime.name !== 'crun') t.regex(message, /cannot start an already running container/)
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '-f', session.id()])
})

behaviour('start of a stopped container is refused', {}, async (t, session) => {
  session.bundle()
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  const { code, message } = await session.run(['start', session.id()])
  t.is(code, 1)
  t.regex(message, /cannot start a container that has stopped/)
  await session.ok(['delete', session.id()])
})

behaviour(
  'start of a created container whose init was killed is an error',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle()
    await session.ok(['create', session.id()])
    await session.ok(['kill', session.id(), 'KILL'])
    await session.reaches('stopped')
    t.is((await session.run(['start', session.id()])).code, 1)
    await session.ok(['delete', session.id()])
  },
)

behaviour('start of an unknown container says that it does not exist', {}, async (t, session) => {
  const { code, stdout, message } = await session.run(['start', session.id()])
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(message, /does not exist/)
})

behaviour(
  'an id is unique: create and run refuse one that is taken, and its container lives on',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['run', '-d', session.id()])
    const before = await session.state()
    for (const command of [['create'], ['run'], ['run', '-d']]) {
      const { code, message } = await session.run([...command, session.id()])
      t.is(code, 1)
      if (session.runtime.name !== 'crun') t.regex(message, /container with given ID already exists/)
    }
    t.deepEqual(await session.state(), before)
    await session.ok(['delete', '--force', session.id()])
  },
)

/** A place of its own for a container, whatever the cgroup driver. */
const cgroupsPath = (name: string) => (process.env.TEST_CGROUP_DRIVER === 'systemd' ? `::${name}` : `/${name}`)

behaviour('the same id in another root is another container', {}, async (t, session) => {
  const other = session.directory('other')
  session.stateRoots.push(other)
  session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.linux.cgroupsPath = cgroupsPath(session.id('one'))) })
  await session.ok(['run', '-d', session.id()])
  session.bundle({
    args: ['sleep', '60'],
    name: 'second',
    edit: (spec) => (spec.linux.cgroupsPath = cgroupsPath(session.id('two'))),
  })
  await session.ok(['run', '-d', session.id()], { global: ['--root', other, ...driver] })
  await session.ok(['delete', '-f', session.id()])
  t.is(JSON.parse(await session.ok(['state', session.id()], { global: ['--root', other] })).status, 'running')
  await session.ok(['delete', '-f', session.id()], { global: ['--root', other] })
})

behaviour(
  'changes of config.json after create do not affect the container',
  { runtimes: everyone },
  async (t, session) => {
    const bundle = session.bundle({ args: ['echo', 'first'] })
    const create = session.spawn(['create', session.id()])
    await create.finished
    writeFileSync(`${bundle}/config.json`, readFileSync(`${bundle}/config.json`, 'utf8').replace('first', 'second'))
    await session.ok(['start', session.id()])
    await session.reaches('stopped')
    t.is(create.stdout(), 'first\n')
    await session.ok(['delete', session.id()])
  },
)

behaviour(
  "a created container belongs to the caller's subreaper, which gets its exit status",
  { runtimes: everyone, unless: noPython },
  async (t, session) => {
    // containerd's shim, conmon and buildah wait for the pid in the pid file.
    session.bundle({ args: ['sh', '-c', 'exit 9'] })
    const caller = session.start(helper('subreaper', ...session.commandLine(['create', session.id()])), {
      env: session.runtime.env,
    })
    await until('create has returned', () => caller.stdout().startsWith('command 0\n'))
    const { pid } = await session.state()
    t.is(parentOf(pid), caller.pid)
    await session.ok(['start', session.id()])
    t.is((await caller.finished).stdout, `command 0\nchild ${pid} 9\n`)
    await session.ok(['delete', session.id()])
  },
)

behaviour('when create returns, its process is in its cgroup for good', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id()])
  const { pid } = await session.state()
  const created = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  await session.ok(['start', session.id()])
  t.is(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), created)
  t.true(created.includes(session.id()))
  await session.ok(['delete', '-f', session.id()])
})

behaviour('a missing program is already an error of create', {}, async (t, session) => {
  session.bundle({ args: ['no-such-program'] })
  const { code, message } = await session.run(['create', session.id()])
  t.is(code, 1)
  t.regex(message, /exec: "no-such-program": executable file not found in \$PATH/)
})

behaviour("create puts the root's owner, and nobody else, in charge of the records", {}, async (t, session) => {
  // CVE-2021-41103: setuid files behind directories that others may pass.
  session.bundle({ args: ['sleep', '60'] })
  const create = await session.start(
    ['sh', '-c', 'umask 0; exec "$@"', 'sh', ...session.commandLine(['create', session.id()])],
    {
      env: session.runtime.env,
    },
  ).finished
  t.is(create.code, 0, create.stderr)
  const { stdout } = await session.shell(
    `stat -c '%a %F' ${session.root} ${session.root}/*; find ${session.root} -type f -perm /022`,
  )
  t.regex(stdout, /^7[01][01] directory\n7[01][01] directory\n$/)
  await session.ok(['delete', '-f', session.id()])
})

behaviour(
  'start with one of its old options creates and runs, as it did in the beginning',
  { runtimes: ours },
  async (t, session) => {
    const bundle = session.bundle({ args: ['sh', '-c', 'echo here; exit 4'] })
    session.cwd = '/'
    for (const option of [['--bundle', bundle], ['-b', bundle], [`--bundle=${bundle}`]]) {
      t.like(await session.run(['start', ...option, session.id()]), { code: 4, stdout: 'here\n' })
    }
    session.cwd = bundle
    const pidFile = session.path('pid')
    t.like(await session.run(['start', '--pid-file', pidFile, session.id()]), { code: 4, stdout: 'here\n' })
    t.regex(readFileSync(pidFile, 'utf8'), /^\d+$/)
  },
)

behaviour('start --detach creates, runs and returns', { runtimes: ours }, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  for (const option of ['--detach', '-d']) {
    t.is(await session.ok(['start', option, session.id()]), '')
    t.is((await session.state()).status, 'running')
    await session.ok(['delete', '--force', session.id()])
  }
})
