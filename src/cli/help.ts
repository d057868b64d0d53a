/** What --help prints, made from the command classes: what they take can't differ from what is told. */

import { longName } from './argv.js'
import type { CommandType } from './command.js'
import { type OptionShape, type Shape, shapeOf } from './shape.js'

const columns = 88

/** What stands for an option's value, where VALUE says too little. */
const valueNames: Readonly<Record<string, string>> = {
  '--additional-gids': 'GID',
  '--apparmor': 'PROFILE',
  '--bundle': 'DIR',
  '--cap': 'CAPABILITY',
  '--cgroup': 'CGROUP',
  '--console': 'TTY',
  '--console-socket': 'SOCKET',
  '--cpus': 'N',
  '--cwd': 'DIR',
  '--device-read-bps': 'RATE',
  '--device-read-iops': 'RATE',
  '--device-write-bps': 'RATE',
  '--device-write-iops': 'RATE',
  '--env': 'NAME=VALUE',
  '--format': 'FORMAT',
  '--interval': 'TIME',
  '--kernel-memory': 'SIZE',
  '--kernel-memory-tcp': 'SIZE',
  '--memory': 'SIZE',
  '--memory-reservation': 'SIZE',
  '--memory-swap': 'SIZE',
  '--network': 'none|host',
  '--pid-file': 'FILE',
  '--pidfd-socket': 'SOCKET',
  '--pids': 'N',
  '--pids-limit': 'N',
  '--preserve-fds': 'N',
  '--process': 'FILE',
  '--process-label': 'LABEL',
  '--resources': 'FILE',
  '--rootfs': 'DIR',
  '--user': 'UID[:GID]',
  '--writable': 'DIR',
}

const globalRows: readonly Row[] = [
  ['    --root DIR', 'where containers are kept: /run/gantry, or gantry in $XDG_RUNTIME_DIR for other users'],
  [
    '    --log FILE',
    'append the log to this file, or send it to journald:NAME or syslog:NAME; errors go to standard error too',
  ],
  ['    --log-format FORMAT', 'text or json'],
  ['    --log-level LEVEL', 'error, warning, info or debug'],
  ['    --debug', 'the same as --log-level debug'],
  ['    --systemd-cgroup', 'cgroupsPath names a systemd slice and scope: slice:prefix:name'],
  ['    --cgroup-manager MANAGER', 'cgroupfs or systemd'],
  ['    --rootless MODE', 'true, false or auto; always found out from the machine'],
  ['-h, --help', 'print this, or the help of a command'],
  ['-v, --version', 'print the version'],
]

/** What is no command class: its answer is made of the others. */
export const texts: Readonly<Record<string, string>> = {
  help: 'print this, or the help of a command',
  completion: 'print a completion script for bash, zsh or fish',
}

type Row = readonly [term: string, text: string]

export function overview(name: string, commands: Readonly<Record<string, CommandType>>): string {
  const described = Object.entries(commands).map(([word, type]): Row => [word, type.usage?.description ?? ''])
  return paragraphs(
    `${name} runs containers by the OCI runtime specification.`,
    `Usage: ${name} [global options] <command> [options] [words]`,
    section('Commands', rows([...described, ...Object.entries(texts)])),
    section('Global options', rows(globalRows)),
    section('Examples', [
      ...example('Run a command in a sandbox on a read-only view of this machine', `${name} sandbox -- ls /`),
      ...example('Run the bundle in the current directory', `${name} run web`),
    ]),
    `The help of a command: ${name} <command> --help. Exit status: that of the container for a foreground run, else 0, or 1 after an error.`,
    'Specification: https://github.com/opencontainers/runtime-spec',
  )
}

export function commandHelp(name: string, command: string, type: CommandType): string {
  const shape = shapeOf(new type())
  const { description = '', details = '', examples = [] } = type.usage ?? {}
  return paragraphs(
    `${name} ${command}: ${description}`,
    `Usage: ${name} ${command} ${usageWords(shape)}`,
    details,
    ...optionSections(type, shape),
    section(
      'Examples',
      examples.flatMap(([what, line]) => example(what, line.replaceAll('$0', name))),
    ),
    `Options for all commands: ${name} --help`,
  )
}

export function completionHelp(name: string): string {
  return paragraphs(
    `${name} completion: ${texts.completion}`,
    `Usage: ${name} completion bash|zsh|fish`,
    section('Examples', [
      ...example('In this bash', `source <(${name} completion bash)`),
      ...example('In every fish', `${name} completion fish >~/.config/fish/completions/${name}.fish`),
    ]),
  )
}

function usageWords({ recorder }: Shape): string {
  const options = recorder.options.some(({ hidden }) => !hidden) ? ['[options]'] : []
  const words = recorder.positionals.map(({ name, required }) => (required ? `<${name}>` : `[${name}]`))
  return [...options, ...words, ...(recorder.rest ? ['...'] : [])].join(' ')
}

function optionSections({ optionGroups }: CommandType, { recorder }: Shape): string[] {
  const shown = recorder.options.filter(({ hidden }) => !hidden)
  const grouped = new Set(Object.values(optionGroups).flat())
  const groups = Object.entries(optionGroups).map(([title, names]) =>
    section(title, rows(shown.filter((option) => names.includes(longName(option))).map(optionRow))),
  )
  const others = shown.filter((option) => !grouped.has(longName(option))).map(optionRow)
  return [section('Options', rows([...others, ['-h, --help', 'print this']])), ...groups]
}

function optionRow(option: OptionShape): Row {
  const long = longName(option)
  const short = option.names.find((name) => name.length === 2)
  const value = option.takesValue ? ` ${valueNames[long] ?? 'VALUE'}` : ''
  return [`${short === undefined ? '    ' : `${short}, `}${long}${value}`, option.description]
}

function example(what: string, line: string): string[] {
  return [`  ${what}:`, `    ${line}`]
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines].join('\n')
}

/** Terms and their texts in two columns. */
function rows(all: readonly Row[]): string[] {
  const indent = Math.max(0, ...all.map(([term]) => term.length)) + 4
  return all.flatMap(([term, text]) => {
    const [first = '', ...more] = wrap(text, columns - indent)
    return [`  ${term}`.padEnd(indent) + first, ...more.map((line) => ' '.repeat(indent) + line)]
  })
}

function paragraphs(...all: readonly string[]): string {
  const filled = all.filter((text) => text !== '')
  return `${filled.map((text) => (text.includes('\n') ? text : wrap(text, columns).join('\n'))).join('\n\n')}\n`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
