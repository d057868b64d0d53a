/** `--pid-file`: where callers read the host pid of the container's process. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, ours } from '../harness/runtime.js'

for (const command of [['create'], ['run', '-d']]) {
  behaviour(
    `${command.join(' ')} --pid-file writes the pid, digits only`,
    { runtimes: everyone },
    async (t, session) => {
      // containerd and buildkit parse the raw bytes.
      session.bundle({ args: ['sleep', '60'] })
      const file = session.path('pid')
      await session.ok([...command, '--pid-file', file, session.id()])
      t.is(readFileSync(file, 'utf8'), String((await session.state()).pid))
      await session.ok(['delete', '--force', session.id()])
      t.true(existsSync(file))
    },
  )
}

behaviour("a relative pid file is relative to the caller's directory, not the bundle's", {}, async (t, session) => {
  const bundle = session.bundle({ args: ['sleep', '60'] })
  session.directory('elsewhere')
  await session.ok(['run', '-d', '-b', bundle, '--pid-file', 'pid', session.id()], { cwd: `${session.dir}/elsewhere` })
  t.is(readFileSync(`${session.dir}/elsewhere/pid`, 'utf8'), String((await session.state()).pid))
  await session.ok(['delete', '--force', session.id()])
})

behaviour(
  'a foreground run writes its pid file before the process runs, and leaves it',
  { runtimes: ours },
  async (t, session) => {
    const directory = session.directory('shared')
    session.bundle({
      args: ['cat', '/mnt/pid'],
      edit: (spec) => spec.mounts.push({ destination: '/mnt', source: directory, options: ['bind'] }),
    })
    const output = await session.ok(['run', '--pid-file', `${directory}/pid`, session.id()])
    t.regex(output, /^\d+$/)
    t.is(readFileSync(`${directory}/pid`, 'utf8'), output)
  },
)

behaviour('a pid file that is there is replaced in one step', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  const directory = session.directory('pids')
  writeFileSync(`${directory}/pid`, 'something much longer than a pid')
  await session.ok(['run', '-d', '--pid-file', `${directory}/pid`, session.id()])
  t.regex(readFileSync(`${directory}/pid`, 'utf8'), /^\d+$/)
  t.is(session.shellSync(`ls -A ${directory}`), 'pid\n')
  await session.ok(['delete', '--force', session.id()])
})

for (const [path, failing] of [
  ['/no/such/directory/pid', {}],
  ['/proc/pid', {}],
  ['a-directory', { runc: 'runc 1.1 leaves its temporary file' }],
] as const) {
  behaviour(`${path} as a pid file is an error, and no container stays`, { failing }, async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    mkdirSync(session.path('a-directory'))
    for (const command of [['create'], ['run'], ['run', '-d']]) {
      const { code, stderr } = await session.run(
        [...command, '--bundle', session.cwd, '--pid-file', path, session.id()],
        { cwd: session.dir },
      )
      t.is(code, 1, command.join(' '))
      t.not(stderr, '')
      t.is((await session.run(['state', session.id()])).code, 1)
    }
  })
}

behaviour('a failed create leaves no pid file', {}, async (t, session) => {
  session.bundle({ args: ['no-such-program'] })
  const directory = session.directory('pids')
  for (const command of [['create'], ['run'], ['run', '-d']]) {
    t.is((await session.run([...command, '--pid-file', `${directory}/pid`, session.id()])).code, 1)
    t.is(session.shellSync(`ls -A ${directory}`), '')
  }
})
