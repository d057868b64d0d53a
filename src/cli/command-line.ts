/** Where a command line is cut in two: the global options, and the words from the command on. */

/** The global options by name, and whether each takes a value. */
export const globalOptions: Readonly<Record<string, boolean>> = {
  root: true,
  log: true,
  'log-format': true,
  'log-level': true,
  rootless: true,
  'cgroup-manager': true,
  debug: false,
  'systemd-cgroup': false,
  help: false,
  h: false,
  version: false,
  v: false,
}

/** A global option as it was given: its name without dashes, and its value where it has one. */
export interface GivenOption {
  readonly name: string
  readonly value: string | undefined
}

export interface CommandLine {
  /** In the order in which they were given, repeated ones too. An unknown one is the last: what follows it can't be told. */
  readonly options: readonly GivenOption[]
  /** The command and its words; empty without a command. */
  readonly words: readonly string[]
}

/**
 * Cuts `argv`, whose first word is the name by which we were called. `--root V`, `--root=V` and `-root V` are all taken;
 * a `--` before the command is passed over.
 */
export function splitCommandLine(argv: readonly string[]): CommandLine {
  const options: GivenOption[] = []
  let at = 1
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (word === '--') {
      at += 1
      break
    }
    if (word.length < 2 || word[0] !== '-') break
    const dashes = word[1] === '-' ? 2 : 1
    const equals = word.indexOf('=')
    const name = word.slice(dashes, equals < 0 ? undefined : equals)
    const takesValue = Object.hasOwn(globalOptions, name) ? globalOptions[name] : undefined
    if (equals >= 0) options.push({ name, value: word.slice(equals + 1) })
    else if (takesValue === true) {
      at += 1
      options.push({ name, value: argv[at] })
    } else options.push({ name, value: undefined })
    if (takesValue === undefined) return { options, words: [] }
  }
  return { options, words: argv.slice(at) }
}
