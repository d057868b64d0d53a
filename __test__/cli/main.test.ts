/** The whole program over a host in memory: exit codes, what is on which stream, and what is in the log. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { CommandType } from '../../src/cli/command.js'
import { globalOptions } from '../../src/cli/command-line.js'
import { commands } from '../../src/cli/commands/index.js'
import { shapeOf } from '../../src/cli/shape.js'
import { type FakeOptions, fakeHost } from '../../src/host/fake.js'
import { main } from '../../src/main.js'
import { version } from '../../src/version.js'
import { config, inspection } from '../lifecycle/support.js'

async function gantry(argv: string[], options: FakeOptions = {}) {
  const host = fakeHost({
    argv,
    containers: { '/r': [inspection({ annotations: { b: '<2>', a: '1' } })] },
    files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/work/config.json': config() },
    ...options,
  })
  const code = await main(host)
  return { code, output: host.output, errors: host.errors, host }
}

test('state prints what runc prints, byte for byte', async (t) => {
  const { code, output, errors } = await gantry(['--root', '/r', 'state', 'web'])
  t.is(code, 0)
  t.is(errors, '')
  t.is(
    output,
    `{
  "ociVersion": "1.2.0",
  "id": "web",
  "pid": 77,
  "status": "running",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-01-02T03:04:05.678Z",
  "annotations": {
    "a": "1",
    "b": "\\u003c2\\u003e"
  },
  "owner": ""
}`,
  )
})

test('list prints a table with the widths of runc', async (t) => {
  t.is(
    (await gantry(['--root', '/r', 'list'])).output,
    'ID          PID         STATUS      BUNDLE      CREATED                    OWNER\n' +
      'web         77          running     /b          2026-01-02T03:04:05.678Z   root\n',
  )
  t.is((await gantry(['list'])).output, 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
})

test('list prints JSON on one line, and null for nothing', async (t) => {
  const { output } = await gantry(['--root', '/r', 'list', '--format', 'json'])
  t.regex(output, /^\[\{"ociVersion":"1\.2\.0","id":"web".*"owner":"root"\}\]\n$/)
  t.is((await gantry(['list', '-f', 'json'])).output, 'null\n')
})

test('list prints only ids when it is told to', async (t) => {
  t.is((await gantry(['--root', '/r', 'list', '-q'])).output, 'web\n')
})

test('a broken record is told on standard error, and the list goes on', async (t) => {
  const broken = { id: 'bad', failure: { step: 'read record', object: 'bad', errno: 74 } }
  const { code, output, errors } = await gantry(['--root', '/r', 'list', '-q'], {
    containers: { '/r': [broken, inspection()] },
  })
  t.is(code, 0)
  t.is(output, 'web\n')
  t.is(errors, 'load container bad: cannot read record bad: bad message\n')
})

test('run gives the exit code of the program, and 128 + n for a signal', async (t) => {
  t.is((await gantry(['run', 'a'], { exit: { exitCode: 3 } })).code, 3)
  t.is((await gantry(['run', 'a'], { exit: { signal: 15 } })).code, 143)
  t.is((await gantry(['run', '-d', 'a'], { exit: { exitCode: 3 } })).code, 0)
})

test('what succeeds says nothing', async (t) => {
  for (const argv of [
    ['create', 'a'],
    ['run', 'a'],
    ['--root', '/r', 'kill', 'web'],
    ['delete', '-f', 'none'],
  ]) {
    const { code, output, errors } = await gantry(argv)
    t.deepEqual({ code, output, errors }, { code: 0, output: '', errors: '' }, argv.join(' '))
  }
})

test('start alone starts; with an option of old it creates and runs', async (t) => {
  const created = { containers: { '/r': [inspection({ status: 'created' })] } }
  const alone = await gantry(['--root', '/r', 'start', 'web'], created)
  t.deepEqual(
    alone.host.calls.map(({ verb }) => verb),
    ['start'],
  )
  for (const options of [['--bundle', '.'], ['-b', '.'], ['-d'], ['--detach'], ['--pid-file', 'p'], ['-d=false']]) {
    const { host, code } = await gantry(['--root', '/r', 'start', ...options, 'new'])
    t.is(code, 0)
    t.true(
      host.calls.some(({ verb }) => verb === 'launch'),
      options.join(' '),
    )
  }
})

const mistakes: readonly [argv: string[], text: string][] = [
  [['state'], 'empty id: "state" requires exactly 1 argument(s)'],
  [['start', ''], 'empty id'],
  [['start'], 'empty id: "start" requires exactly 1 argument(s)'],
  [['state', 'a/b'], 'invalid container ID format'],
  [['state', 'none'], 'container does not exist: none'],
  [['--root', '/r', 'create', 'web'], 'container with given ID already exists'],
  [['--bogus', 'state', 'x'], 'unknown flag: --bogus'],
  [['--root'], 'flag needs an argument: --root'],
  [['--root=', 'list'], 'the value of --root is empty'],
  [['--root', '/', 'list'], 'the root directory of the records must not be /'],
  [['--root', '/none', 'list'], 'cannot open /none: no such file or directory'],
  [['--log-format', 'xml', 'list'], 'invalid log-format: xml (one of text, json)'],
  [['--rootless=perhaps', 'list'], 'invalid rootless: perhaps (one of true, false, auto)'],
  [['--debug=perhaps', 'list'], 'invalid boolean value "perhaps" for --debug'],
  [['--cgroup-manager', 'disabled', 'list'], '--cgroup-manager disabled: not supported yet'],
  [['lsit'], 'unknown command: lsit (did you mean list?)'],
  [['checkpoint', '--help'], 'unknown command: checkpoint'],
  [['constructor'], 'unknown command: constructor'],
  [['init'], 'init is what a container starts with: it is not to be run by hand'],
  [['list', '--format', 'xml'], 'invalid format option'],
  [['kill', 'web', 'FOO'], 'unknown signal "FOO"'],
  [['create', '--preserve-fds', '-1', 'a'], 'invalid number "-1" for --preserve-fds'],
  [['run', '-b', '/none', 'a'], 'cannot read /none/config.json: no such file or directory'],
  [['sandbox'], '"sandbox" requires a minimum of 1 argument(s)'],
  [['sandbox', '--network', 'bridge', 'ls'], 'invalid network: bridge (one of none, host, container:ID, ns:PATH)'],
  [['sandbox', '--memory', 'lots', 'ls'], 'invalid size "lots" for --memory'],
  [['completion', 'tcsh'], '"completion" requires a shell: bash, zsh or fish'],
]
for (const [argv, text] of mistakes) {
  test(`"${argv.join(' ')}" fails with 1 and one line on standard error`, async (t) => {
    const { code, output, errors } = await gantry(argv)
    t.deepEqual({ code, output, errors }, { code: 1, output: '', errors: `${text}\n` })
  })
}

test('an error goes to standard error and, as one JSON object, to the log', async (t) => {
  const { code, errors, host } = await gantry(['--log', '/l', '--log-format', 'json', 'state', 'none'])
  t.is(code, 1)
  t.is(errors, 'container does not exist: none\n')
  const { level, msg, time, ...others } = JSON.parse(host.files.get('/l') ?? '')
  const parts = { code: 'ERR_NOT_FOUND', step: 'find container', path: 'none', errno: 2 }
  t.deepEqual([level, msg, others], ['error', 'container does not exist: none', parts])
  t.regex(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('the last of repeated global options counts', async (t) => {
  const argv = ['--log', '/a', '--log=/b', '--log-format', 'json', '--log-format=text', '--debug', '--debug=false']
  const { host } = await gantry([...argv, 'state', 'none'])
  t.false(host.files.has('/a'))
  t.regex(host.files.get('/b') ?? '', /^time="[^"]+" level=error msg="container does not exist: none"\n$/)
})

test('a mistake among the global options is in the log that was named before it', async (t) => {
  const { host } = await gantry(['--log', '/l', '--log-format=json', '--bogus', 'list'])
  t.is(JSON.parse(host.files.get('/l') ?? '').msg, 'unknown flag: --bogus')
})

test('without a log file the format applies to standard error', async (t) => {
  const { errors } = await gantry(['--log-format=json', 'state', 'none'])
  t.is(JSON.parse(errors).msg, 'container does not exist: none')
})

test('a log may be the journal or syslog, which is looked for before anything happens', async (t) => {
  for (const service of ['journald', 'syslog'] as const) {
    const { errors, host } = await gantry(['--log', `${service}:web`, 'state', 'none'])
    t.is(errors, 'container does not exist: none\n')
    const sent = host.calls.filter(({ verb }) => verb === 'sendLog').map(({ request }) => request)
    const fields = { code: 'ERR_NOT_FOUND', step: 'find container', path: 'none', errno: '2' }
    const message = { priority: 3, text: 'container does not exist: none', fields }
    t.deepEqual(sent, [
      { service, identifier: 'web' },
      { service, identifier: 'web', message },
    ])
  }
})

test('a log that can not be written is an error before anything happens', async (t) => {
  const failures = { appendLog: { step: 'write log', object: '/none/l', errno: 2 } }
  const { code, errors, host } = await gantry(['--log', '/none/l', 'create', 'a'], { failures })
  t.is(code, 1)
  t.is(errors, 'cannot write log /none/l: no such file or directory\n')
  t.false(host.calls.some(({ verb }) => verb === 'launch'))
})

test('a warning is told unless it would land in a log that is kept for errors', async (t) => {
  const files = { '/work/config.json': config({ capabilities: { bounding: ['CAP_FLY'] } }) }
  const warning = /^time=.* level=warning .*CAP_FLY.*\n$/
  t.regex((await gantry(['create', 'a'], { files })).errors, warning)
  const logged = await gantry(['--log', '/l', 'create', 'a'], { files })
  t.deepEqual([logged.errors, logged.host.files.get('/l')], ['', ''])
  const asked = await gantry(['--log', '/l', '--log-level', 'warning', 'create', 'a'], { files })
  t.is(asked.errors, '')
  t.regex(asked.host.files.get('/l') ?? '', warning)
})

test('the plan is told at debug, without values of the environment', async (t) => {
  const files = { '/work/config.json': config({ env: ['SECRET=hunter2'] }) }
  const { errors } = await gantry(['--debug', 'create', 'a'], { files })
  t.regex(errors, /level=debug msg="plan: /)
  t.regex(errors, /SECRET/)
  t.notRegex(errors, /hunter2/)
})

test('a hint is for people: on a terminal, and not with a log', async (t) => {
  const caller = { stderrIsTerminal: true }
  const argv = ['--root', '/r', 'delete', 'web']
  const text = 'cannot delete container web that is not stopped: running\n'
  t.is((await gantry(argv)).errors, text)
  t.is((await gantry(argv, { caller })).errors, `${text}\u001b[2mhint: delete --force kills it first\u001b[0m\n`)
  t.is((await gantry(['--log', '/l', ...argv], { caller })).errors, text)
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    t.is((await gantry(argv, { caller: { ...caller, env } })).errors, `${text}hint: delete --force kills it first\n`)
  }
})

test('a message is one short line whatever it tells of', async (t) => {
  const failures = { inspect: { step: 'look at', object: `a\nb\u001b[2J\u0085${'é'.repeat(9000)}`, errno: 5 } }
  const { errors } = await gantry(['state', 'web'], { failures })
  t.regex(errors, /^cannot look at a b\\x1b\[2J\\x85é+…\n$/)
  t.true(new TextEncoder().encode(errors).length < 8191)
})

test('a defect of ours is told like any error, with its trace at debug', async (t) => {
  const host = fakeHost({ argv: ['--debug', 'state', 'web'] })
  const broken = { ...host, inspect: () => JSON.parse('{') }
  t.is(await main(broken), 1)
  t.regex(host.errors, /level=debug msg=.*at .*\ninternal error: SyntaxError: .*\n$/)
})

test('output that nobody reads is an error', async (t) => {
  const failures = { writeOutput: { step: 'write to', object: 'standard output', errno: 32 } }
  const { code, errors } = await gantry(['features'], { failures })
  t.is(code, 1)
  t.is(errors, 'cannot write to standard output: broken pipe\n')
})

test('the exit code is told even where nothing can be written', async (t) => {
  const failure = { step: 'write to', object: 'standard error', errno: 32 }
  t.is((await gantry(['bogus'], { failures: { writeError: failure } })).code, 1)
})

test('--version is what the callers of runc read', async (t) => {
  for (const [called, name] of [
    ['/usr/bin/gantry', 'gantry'],
    ['/usr/local/sbin/runc', 'runc'],
    ['runc', 'runc'],
  ] as const) {
    const { output, errors } = await gantry([], { caller: { argv: [called, '--version'] } })
    const [first = '', ...more] = output.trimEnd().split('\n')
    t.is(first, `${name} version ${version}`)
    t.true(more.includes('spec: 1.3.0'))
    t.false(more.some((line) => line.includes('version')))
    t.is(errors, '')
  }
})

test('the version is that of the package', (t) => {
  t.is(version, JSON.parse(readFileSync('package.json', 'utf8')).version)
})

test('features is the document alone, and needs nothing', async (t) => {
  const { output, errors, host } = await gantry(['features'], { facts: { euid: 1000, capabilities: [] } })
  const document = JSON.parse(output)
  t.is(errors, '')
  t.deepEqual(host.calls, [])
  t.is(document.ociVersionMin, '1.0.0')
  t.is(document.ociVersionMax, '1.3.0')
  t.true(document.mountOptions.includes('rro'))
  t.true(document.linux.namespaces.includes('user'))
  t.true(document.linux.seccomp.enabled)
  t.regex(output, /^\{\n {4}"ociVersionMin"/)
})

test('help lists every command and global option', async (t) => {
  for (const argv of [[], ['help'], ['--help'], ['-h', 'list']]) {
    const { code, output, errors } = await gantry(argv)
    t.is(code, 0)
    t.is(errors, '')
    for (const name of Object.keys(commands)) t.regex(output, new RegExp(`^  ${name} +\\S`, 'm'))
    for (const name of Object.keys(globalOptions)) t.regex(output, new RegExp(`-${name}\\b`))
  }
})

test('help of completion says which shells it knows', async (t) => {
  for (const argv of [
    ['completion', '--help'],
    ['help', 'completion'],
  ]) {
    const { code, output, errors } = await gantry(argv)
    t.is(code, 0)
    t.is(errors, '')
    t.regex(output, /^Usage: gantry completion bash\|zsh\|fish$/m)
  }
})

for (const [name, type] of Object.entries<CommandType>(commands)) {
  test(`help of ${name} tells of all its options, with two examples`, async (t) => {
    for (const argv of [
      [name, '--help'],
      [name, '-h'],
      ['help', name],
    ]) {
      const { code, output, errors } = await gantry(argv)
      t.is(code, 0)
      t.is(errors, '')
      const { recorder } = shapeOf(new type())
      for (const option of recorder.options.flatMap(({ names }) => names)) t.true(output.includes(option), option)
      for (const option of recorder.options) t.not(option.description, '', option.names.join())
      t.is(type.usage?.examples?.length, 2)
      t.false(
        output.split('\n').some((line) => line.length > 100),
        output,
      )
    }
  })
}

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`completion for ${shell} knows every command and option`, async (t) => {
    const { code, output } = await gantry(['completion', shell])
    t.is(code, 0)
    for (const [name, type] of Object.entries(commands)) {
      t.true(output.includes(name))
      for (const option of shapeOf(new type()).options.keys()) t.true(output.includes(option.replace(/^-+/, '')))
    }
  })
}
