import test from 'ava'
import { splitCommandLine } from '../../src/cli/command-line.js'

const lines: readonly [words: string[], command: string | null][] = [
  [[], null],
  [['state', 'x'], 'state'],
  [['--root', '/r', 'state', 'x'], 'state'],
  [['--root=/r', 'state', 'x'], 'state'],
  [['-root', '/r', 'state'], 'state'],
  [['--root', 'state', 'list'], 'list'],
  [['--debug', 'kill', '--all', 'x'], 'kill'],
  [['--debug=true', 'kill', 'x'], 'kill'],
  [['--log', '/l', '--log-format', 'json', '--systemd-cgroup', 'create', 'x'], 'create'],
  [['--rootless=auto', '--root=/a', '--root=/b', 'exec', 'x'], 'exec'],
  [['--', 'list'], 'list'],
  [['--bogus', 'list'], null],
  [['--help'], null],
  [['-h', 'list'], 'list'],
  [['--version'], null],
  [['-v'], null],
  [['--root'], null],
  [['list', '--help'], 'list'],
  [['--constructor', 'list'], null],
]
for (const [words, command] of lines) {
  test(`the command of "${words.join(' ')}" is ${command}`, (t) => {
    t.is(splitCommandLine(['gantry', ...words]).words[0] ?? null, command)
  })
}

test('options and words are cut apart, repeated options kept in order', (t) => {
  const { options, words } = splitCommandLine(['gantry', '--root=/a', '--debug', '--root', '/b', 'kill', '--root', 'x'])
  t.deepEqual(options, [
    { name: 'root', value: '/a' },
    { name: 'debug', value: undefined },
    { name: 'root', value: '/b' },
  ])
  t.deepEqual(words, ['kill', '--root', 'x'])
})
