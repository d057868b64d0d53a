/** The forms that callers use, as what clipanion takes. */
import test from 'ava'
import { normalise } from '../../src/cli/argv.js'
import type { CommandType } from '../../src/cli/command.js'
import { CreateCommand } from '../../src/cli/commands/create.js'
import { KillCommand } from '../../src/cli/commands/kill.js'
import { ListCommand } from '../../src/cli/commands/list.js'
import { RunCommand } from '../../src/cli/commands/run.js'
import { SandboxCommand } from '../../src/cli/commands/sandbox.js'
import { shapeOf } from '../../src/cli/shape.js'

function words(type: CommandType, ...given: string[]): readonly string[] {
  return normalise('x', shapeOf(new type()), given, type.stopsAtPositional).words
}

const forms: readonly [what: string, type: CommandType, given: string[], taken: string[]][] = [
  ['long with a word', CreateCommand, ['--bundle', '/b', 'a'], ['--bundle=/b', '--', 'a']],
  ['long with =', CreateCommand, ['--bundle=/b', 'a'], ['--bundle=/b', '--', 'a']],
  ['short', CreateCommand, ['-b', '/b', 'a'], ['--bundle=/b', '--', 'a']],
  ['short with =', CreateCommand, ['-b=/b', 'a'], ['--bundle=/b', '--', 'a']],
  [
    'one dash for two',
    RunCommand,
    ['-no-subreaper', '-pid-file', 'p', 'a'],
    ['--no-subreaper', '--pid-file=p', '--', 'a'],
  ],
  ['a flag that is true', RunCommand, ['--detach=true', 'a'], ['--detach', '--', 'a']],
  ['a flag that is false', RunCommand, ['--no-pivot=false', 'a'], ['--', 'a']],
  ['of a repeated flag the last', RunCommand, ['-d', '--keep', '--detach=false', 'a'], ['--keep', '--', 'a']],
  ['bundled flags', ListCommand, ['-q'], ['--quiet']],
  ['options after words', KillCommand, ['a', '9', '--all'], ['--all', '--', 'a', '9']],
  ['short after words', KillCommand, ['-a', 'a', 'KILL'], ['--all', '--', 'a', 'KILL']],
  ['a value like an option', CreateCommand, ['--preserve-fds', '-1', 'a'], ['--preserve-fds=-1', '--', 'a']],
  ['a value that is --', CreateCommand, ['--pid-file', '--', 'a'], ['--pid-file=--', '--', 'a']],
  ['an empty value', CreateCommand, ['--pid-file=', 'a'], ['--pid-file=', '--', 'a']],
  ['words after --', KillCommand, ['--', '-x', '--all'], ['--', '-x', '--all']],
  ['an empty word', KillCommand, [''], ['--', '']],
  ['a command line of its own', SandboxCommand, ['--cwd', '/', 'ls', '-l', '--'], ['--cwd=/', '--', 'ls', '-l', '--']],
  ['the same after --', SandboxCommand, ['-t', '--', 'ls', '-l'], ['--tty', '--', 'ls', '-l']],
  ['repeatable', SandboxCommand, ['-e', 'A=1', '--env=B=2', 'ls'], ['--env=A=1', '--env=B=2', '--', 'ls']],
]
for (const [what, type, given, taken] of forms) {
  test(`${what}: ${given.join(' ')}`, (t) => {
    t.deepEqual(words(type, ...given), taken)
  })
}

const mistakes: readonly [type: CommandType, given: string[], message: string | RegExp][] = [
  [CreateCommand, ['--bogus', 'a'], 'unknown flag: --bogus'],
  [CreateCommand, ['--bogus=1', 'a'], 'unknown flag: --bogus'],
  [CreateCommand, ['-x', 'a'], 'unknown flag: -x'],
  [CreateCommand, ['--bundel', 'b', 'a'], 'unknown flag: --bundel (did you mean --bundle?)'],
  [CreateCommand, ['--pidfile', 'b', 'a'], 'unknown flag: --pidfile (did you mean --pid-file?)'],
  [CreateCommand, ['a', '--pid-file'], 'flag needs an argument: --pid-file'],
  [CreateCommand, ['a', '-b'], 'flag needs an argument: -b'],
  [RunCommand, ['--detach=maybe', 'a'], 'invalid boolean value "maybe" for --detach'],
  [RunCommand, [], 'empty id: "x" requires exactly 1 argument(s)'],
  [RunCommand, ['a', 'b'], '"x" requires exactly 1 argument(s)'],
  [KillCommand, [], 'empty id: "x" requires a minimum of 1 argument(s)'],
  [KillCommand, ['a', 'b', 'c'], '"x" requires a maximum of 2 argument(s)'],
  [ListCommand, ['a'], '"x" requires exactly 0 argument(s)'],
  [SandboxCommand, ['--'], '"x" requires a minimum of 1 argument(s)'],
]
for (const [type, given, message] of mistakes) {
  test(`a mistake: ${type.name} ${given.join(' ')}`, (t) => {
    t.throws(() => words(type, ...given), { message })
  })
}

test('help is found among the options, and not after them', (t) => {
  const help = (type: CommandType, ...given: string[]) =>
    normalise('x', shapeOf(new type()), given, type.stopsAtPositional).help
  t.true(help(KillCommand, '--help'))
  t.true(help(KillCommand, 'a', '-h'))
  t.false(help(KillCommand, '--', '-h'))
  t.false(help(SandboxCommand, 'ls', '--help'))
})
