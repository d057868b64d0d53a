/** The whole program on a host: every command, and help. */
import { Cli } from 'clipanion'
import { normalise } from './cli/argv.js'
import { type CommandType, GantryCommand } from './cli/command.js'
import { splitCommandLine } from './cli/command-line.js'
import { commands } from './cli/commands/index.js'
import { completion } from './cli/completion.js'
import { readPlain } from './cli/fast.js'
import { type Globals, readGlobals } from './cli/globals.js'
import { commandHelp, completionHelp, overview, texts } from './cli/help.js'
import { openLog } from './cli/log.js'
import { attempt, perform } from './cli/perform.js'
import { shapeOf } from './cli/shape.js'
import { StartBundleCommand } from './cli/start-bundle.js'
import { didYouMean, usageError } from './cli/usage.js'
import type { Host } from './host/host.js'
import { baseName } from './lifecycle/paths.js'
import { commit, specVersion, version } from './version.js'

/** What is asked for: a text to print, or a command to run. */
type Wish = string | GantryCommand

/** Does what `host.caller.argv` says and gives the exit code. Never rejects: an error is told on standard error. */
export async function main(host: Host): Promise<number> {
  const { argv } = host.caller
  const { options, words } = splitCommandLine(argv)
  const { globals, problem } = readGlobals(options)
  return await attempt(openLog(host, globals), async (log) => {
    if (problem !== undefined) throw problem
    const wish = read(programName(argv[0]), globals, words)
    if (typeof wish !== 'string') return await perform(host, globals, log, wish)
    await host.writeOutput(wish)
    return 0
  })
}

function read(program: string, globals: Globals, [name, ...words]: readonly string[]): Wish {
  if (globals.version) return versionText(program)
  if (globals.help || name === undefined) return overview(program, commands)
  switch (name) {
    case 'help':
      return helpOf(
        program,
        words.find((word) => !isHelp(word)),
      )
    case 'completion':
      return words.some(isHelp) ? completionHelp(program) : completion(words, commands)
    case 'init':
      throw usageError('init is what a container starts with: it is not to be run by hand')
    default:
      return readCommand(program, name, words)
  }
}

function readCommand(program: string, name: string, words: readonly string[]): Wish {
  const type = commandType(name, words)
  const plain = readPlain(type, words)
  if (plain !== null) return plain
  const { words: normalised, help } = normalise(name, shapeOf(new type()), words, type.stopsAtPositional)
  return help ? commandHelp(program, name, type) : readWords(type, [name, ...normalised])
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h'
}

function helpOf(program: string, name = 'help'): string {
  if (name === 'help') return overview(program, commands)
  if (name === 'completion') return completionHelp(program)
  return commandHelp(program, name, commandType(name, ['--help']))
}

/** The class for a command line: `start` with options is another command than `start` without. */
function commandType(name: string, words: readonly string[]): CommandType {
  const type = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (type === undefined)
    throw usageError(`unknown command: ${name}${didYouMean(name, [...Object.keys(commands), ...Object.keys(texts)])}`)
  const end = words.indexOf('--')
  const hasOptions = words.slice(0, end < 0 ? undefined : end).some((word) => /^-./.test(word))
  return name === 'start' && hasOptions ? StartBundleCommand : type
}

/** Reads a command line with clipanion itself. */
export function readWords(type: CommandType, words: readonly string[]): GantryCommand {
  const command = Cli.from(type).process([...words], {})
  if (command instanceof GantryCommand) return command
  throw usageError(`cannot read the command line of ${words[0]}`)
}

/** Callers find out what we can do by the name in the first line: under runc's name it is runc. */
function programName(called = ''): string {
  return baseName(called) === 'runc' ? 'runc' : 'gantry'
}

/** dockerd takes the last line with the word "version" for the one that says it. */
function versionText(program: string): string {
  const revision = commit === '' ? '' : `commit: ${commit}\n`
  return `${program} version ${version}\n${revision}spec: ${specVersion}\n`
}
