/** What the command line says of itself. */
import { behaviour } from '../harness/behaviour.js'
import { ours } from '../harness/runtime.js'

for (const option of ['--version', '-v']) {
  behaviour(`${option} prints name, version and spec as callers parse them`, {}, async (t, session) => {
    const { code, stdout, stderr } = await session.run([option], { global: [] })
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    const [first = '', ...rest] = stdout.trimEnd().split('\n')
    t.regex(first, /^(gantry|runc) version \d+\.\d+\.\d+\S*$/)
    // moby takes name and version from the last line that has the word.
    for (const line of rest) t.notRegex(line, /version/)
    t.true(rest.some((line) => /^spec: \d+\.\d+\.\d+/.test(line)))
    t.true(rest.some((line) => /^commit: \S+$/.test(line)) || session.runtime.name !== 'runc')
  })
}

behaviour('the version of the spec is 1.3', { runtimes: ours }, async (t, session) => {
  t.regex(await session.ok(['--version'], { global: [] }), /^spec: 1\.3\.\d+$/m)
})

const commands = ['run', 'create', 'start', 'state', 'kill', 'delete', 'list', 'spec', 'features']

for (const argv of [['--help'], ['-h']]) {
  behaviour(`${argv.join(' ')} names every command, on standard output`, {}, async (t, session) => {
    const { code, stdout, stderr } = await session.run(argv, { global: [] })
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    for (const command of commands) t.regex(stdout, new RegExp(`\\b${command}\\b`))
  })
}

for (const command of commands) {
  behaviour(`${command} --help tells of its options and does nothing`, {}, async (t, session) => {
    const { code, stdout, stderr } = await session.run([command, '--help'])
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    t.true(stdout.includes(command))
    if (['run', 'create'].includes(command))
      for (const option of ['--bundle', '--pid-file', '--console-socket']) t.true(stdout.includes(option), option)
    if (command === 'delete') t.true(stdout.includes('--force'))
  })
}

behaviour('sandbox --help has an example', { runtimes: ours }, async (t, session) => {
  const stdout = await session.ok(['sandbox', '--help'], { global: [] })
  for (const option of ['--cwd', '--env', '--writable', '--rootfs', '--network', '--memory', '--pids', '--cpus'])
    t.true(stdout.includes(option), option)
})

behaviour('checkpoint --help fails: callers take its success for support', { runtimes: ours }, async (t, session) => {
  // podman and CRI-O probe so.
  t.not((await session.run(['checkpoint', '--help'])).code, 0)
})

for (const argv of [
  ['run', '--no-such-option', 'x'],
  ['no-such-command'],
  ['state'],
  ['state', 'a', 'b'],
  ['create', '--bundle'],
  ['kill'],
  ['delete'],
]) {
  behaviour(
    `"${argv.join(' ')}" is an error of usage: a message on stderr, status 1`,
    { runtimes: ours },
    async (t, session) => {
      const { code, stdout, stderr } = await session.run(argv)
      t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
      t.not(stderr, '')
      // The word that is wrong is named.
      for (const word of argv)
        if (word.startsWith('--no') || word.startsWith('no-')) t.true(stderr.includes(word.replace(/^--/, '')), stderr)
    },
  )
}

behaviour('an option without its value is told in words that podman looks for', {}, async (t, session) => {
  const { code, message } = await session.run(['create', '--bundle'])
  t.not(code, 0)
  t.regex(message, /flag needs an argument|requires an argument/)
})

behaviour('init refuses direct use', {}, async (t, session) => {
  const { code, stdout, stderr } = await session.run(['init'])
  t.not(code, 0)
  t.is(stdout, '')
  if (session.runtime.name !== 'runc') t.not(stderr, '')
})
