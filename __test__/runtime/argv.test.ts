/** The forms of a command line that callers of runtimes really use; who uses which is said beside each. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc, ours } from '../harness/runtime.js'

behaviour('global options come before the command, as two words or one', {}, async (t, session) => {
  // containerd, CRI-O; conmon
  session.bundle({ args: ['echo', 'hello'] })
  const log = session.path('log')
  for (const global of [
    ['--root', session.root],
    [`--root=${session.root}`],
    ['--root', session.root, '--log', log, '--log-format', 'json'],
    [`--root=${session.root}`, `--log=${log}`, '--log-format=json'],
    ['--log-format', 'text', '--root', session.root],
  ]) {
    t.is(await session.ok(['run', session.id()], { global }), 'hello\n', global.join(' '))
  }
})

behaviour('a global option may be given twice, and the last counts', {}, async (t, session) => {
  // conmon-rs passes --root= twice.
  session.bundle({ args: ['sleep', '60'] })
  const global = ['--root=/nonexistent/root', `--root=${session.root}`]
  await session.ok(['run', '-d', session.id()], { global })
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force', session.id()], {
    global: ['--root', '/nonexistent/root', '--root', session.root],
  })
})

for (const global of [['--rootless=true'], ['--rootless=false'], ['--rootless', 'auto'], ['--debug']]) {
  behaviour(`the global option ${global.join(' ')} is taken`, {}, async (t, session) => {
    // go-runc
    session.bundle({ args: ['echo', 'hello'] })
    t.is(await session.ok(['run', session.id()], { global: [...global, '--root', session.root] }), 'hello\n')
  })
}

behaviour('options may stand before and after the id', { runtimes: ours }, async (t, session) => {
  const bundle = session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', session.id(), '--detach', '--bundle', bundle])
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', session.id(), '--force'])
})

behaviour('a flag takes =true and =false', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '--detach=true', session.id()])
  t.is((await session.run(['delete', '--force=false', session.id()])).code, 1)
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force=true', session.id()])
})

behaviour('one dash will do for a long option', {}, async (t, session) => {
  // containerd passes -no-subreaper.
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '-detach', '-no-subreaper', '-pid-file', session.path('pid'), session.id()])
  t.is(readFileSync(`${session.dir}/pid`, 'utf8'), String((await session.state()).pid))
  await session.ok(['delete', '-force', session.id()])
})

behaviour('after -- everything is an argument', {}, async (t, session) => {
  session.bundle({ args: ['echo', 'hello'] })
  t.is(await session.ok(['run', '--', session.id()]), 'hello\n')
})

behaviour('an unknown option is named on standard error', {}, async (t, session) => {
  // podman looks for the name.
  session.bundle()
  for (const argv of [
    ['run', '--invalidflag', session.id()],
    ['state', '--invalidflag', session.id()],
  ]) {
    const { code, stderr } = await session.run(argv)
    t.not(code, 0)
    t.regex(stderr, /invalidflag/)
  }
  const { code, message } = await session.run(['state', session.id()], { global: ['--invalidflag'] })
  t.not(code, 0)
  t.regex(message, /invalidflag/)
})

behaviour(
  'the answers of commands that print documents are on standard output alone',
  { runtimes: ours },
  async (t, session) => {
    // CRI-O reads both streams as one.
    for (const argv of [['--version'], ['features']]) {
      const { code, stdout, stderr } = await session.run(argv, { global: [] })
      t.is(code, 0)
      t.not(stdout, '')
      t.is(stderr, '')
    }
  },
)

behaviour(
  'with --log-format json a failure is one line of JSON in the log, and is on standard error too',
  {},
  async (t, session) => {
    // containerd shows the last, podman parses the whole file.
    const log = session.path('log.json')
    const { code, stderr } = await session.run(['state', session.id()], {
      global: ['--root', session.root, '--log', log, '--log-format', 'json'],
    })
    t.is(code, 1)
    t.regex(stderr, /does not exist/)
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
    t.is(lines.length, 1)
    const { level, msg, time } = JSON.parse(lines[0] ?? '')
    t.is(level, 'error')
    t.regex(msg, /does not exist/)
    t.regex(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/)
  },
)

behaviour('the log is appended to', {}, async (t, session) => {
  const log = session.file('log.json', '{"level":"info"}\n')
  const global = ['--root', session.root, '--log', log, '--log-format', 'json']
  for (let round = 0; round < 2; round++) await session.run(['state', session.id()], { global })
  t.is(readFileSync(log, 'utf8').trimEnd().split('\n').length, 3)
})

behaviour('without --log a failure is one line on standard error', { runtimes: ours }, async (t, session) => {
  // CRI-O shows it as it is: no prefix, no colour.
  session.bundle({ args: ['no-such-program'] })
  const { stderr } = await session.run(['create', session.id()])
  t.is(stderr.trimEnd().split('\n').length, 1)
  t.false(stderr.includes('\u001b['))
  t.true(stderr.endsWith('\n'))
})

behaviour('an unknown log format is an error', {}, async (t, session) => {
  const { code, message } = await session.run(['list'], { global: ['--root', session.root, '--log-format', 'xml'] })
  t.is(code, 1)
  t.regex(message, /xml|log.format/)
})

behaviour("BuildKit's command line works", { runtimes: likeRunc }, async (t, session) => {
  const bundle = session.bundle({ args: ['echo', 'built'] })
  const log = session.path('runc-log.json')
  const global = ['--root', session.root, '--log', log, '--log-format', 'json']
  t.is(await session.ok(['run', '--bundle', bundle, session.id()], { global, cwd: '/' }), 'built\n')
})

behaviour("containerd's command lines work", {}, async (t, session) => {
  const bundle = session.bundle({ args: ['sleep', '60'] })
  session.path('log.json')
  const global = ['--root', session.root, '--log', `${session.dir}/log.json`, '--log-format', 'json']
  const run = (...argv: string[]): Promise<string> => session.ok(argv, { global, cwd: '/' })
  await run('create', '--bundle', bundle, '--pid-file', session.path('init.pid'), session.id())
  await run('start', session.id())
  t.is(JSON.parse(await run('state', session.id())).status, 'running')
  await run('kill', '--all', session.id(), '9')
  await session.reaches('stopped')
  await run('delete', session.id())
  await run('delete', '--force', session.id())
})

behaviour("conmon's command lines work, without PATH and HOME", {}, async (t, session) => {
  // conmon and podman give next to no environment.
  const bundle = session.bundle({ args: ['sleep', '60'] })
  const run = (...argv: string[]) =>
    session.start(
      [
        'env',
        '-i',
        `XDG_RUNTIME_DIR=${session.dir}`,
        ...Object.entries(session.runtime.env).map(([name, value]) => `${name}=${value}`),
        ...session.commandLine(argv, {
          global: [`--root=${session.root}`, '--log-format=json', `--log=${session.path('oci-log')}`],
        }),
      ],
      { cwd: bundle },
    ).finished
  t.is((await run('create', '--bundle', bundle, '--pid-file', session.path('pid'), session.id())).code, 0)
  for (const argv of [['start'], ['kill'], ['delete', '--force']]) {
    const { code, stdout, stderr } = await run(...argv, session.id(), ...(argv[0] === 'kill' ? ['9'] : []))
    t.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' }, argv.join(' '))
  }
})
