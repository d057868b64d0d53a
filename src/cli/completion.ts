/** `completion`: scripts for shells, made from the command classes. Ids are completed through `list --quiet`. */
import type { CommandType } from './command.js'
import { globalOptions } from './command-line.js'
import { texts } from './help.js'
import { shapeOf } from './shape.js'
import { dashed, usageError } from './usage.js'

type Commands = Readonly<Record<string, CommandType>>

const shells: Readonly<Record<string, (commands: Commands) => string>> = { bash, zsh, fish }

export function completion(words: readonly string[], commands: Commands): string {
  const [shell = ''] = words
  const script = words.length === 1 && Object.hasOwn(shells, shell) ? shells[shell] : undefined
  if (script === undefined) throw usageError('"completion" requires a shell: bash, zsh or fish')
  return script(commands)
}

function optionsOf(type: CommandType): string[] {
  return [...shapeOf(new type()).options.keys(), '--help']
}

/** Whether its first word is the id of a container that exists. */
function takesId(name: string, type: CommandType): boolean {
  return name !== 'create' && name !== 'run' && shapeOf(new type()).recorder.positionals[0]?.name === 'id'
}

const globals = Object.keys(globalOptions).map(dashed)

function bash(commands: Commands): string {
  const cases = Object.entries(commands).map(([name, type]) => {
    const ids = takesId(name, type) ? ' $(gantry list --quiet 2>/dev/null)' : ''
    return `    ${name}) words="${optionsOf(type).join(' ')}${ids}" ;;`
  })
  return `_gantry() {
  local words="${[...Object.keys(commands), ...Object.keys(texts), ...globals].join(' ')}" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
${cases.map((line) => `  ${line}`).join('\n')}
      *) continue ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gantry gantry
`
}

/** zsh reads the functions of bash. */
function zsh(commands: Commands): string {
  return `autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(commands)}`
}

function fish(commands: Commands): string {
  const lines = Object.entries(commands).flatMap(([name, type]) => {
    const seen = `-n '__fish_seen_subcommand_from ${name}'`
    const options = optionsOf(type).map((option) => {
      return option.startsWith('--') ? `-l ${option.slice(2)}` : `-s ${option.slice(1)}`
    })
    const ids = takesId(name, type) ? [`complete -c gantry ${seen} -f -a '(gantry list --quiet 2>/dev/null)'`] : []
    return [
      `complete -c gantry -n __fish_use_subcommand -f -a ${name} -d '${(type.usage?.description ?? '').replaceAll("'", '')}'`,
      ...options.map((option) => `complete -c gantry ${seen} ${option}`),
      ...ids,
    ]
  })
  const others = Object.entries(texts).map(
    ([name, text]) => `complete -c gantry -n __fish_use_subcommand -f -a ${name} -d '${text}'`,
  )
  return `${[...lines, ...others].join('\n')}\n`
}
