/** `ps`: the processes of a container, as pids or as lines of the host's ps(1). */
import { GantryError } from '../errors.js'
import type { ContainerRef, Host } from '../host/host.js'

/** Host pids, ascending. */
export async function containerPids(host: Host, container: ContainerRef): Promise<readonly number[]> {
  return await host.processes(container)
}

/** The head line of ps(1) with these options, and its lines about the container's processes. */
export async function processTable(host: Host, container: ContainerRef, options: readonly string[]): Promise<string> {
  const pids = new Set(await host.processes(container))
  const { ok, stdout, stderr } = await host.runProgram(['ps', ...(options.length > 0 ? options : ['-ef'])])
  if (!ok) throw new GantryError('ERR_INVALID_ARGUMENT', `ps: ${firstLine(stderr)}`)
  const [title = '', ...lines] = stdout.split('\n')
  const column = words(title).indexOf('PID')
  if (column < 0) throw new GantryError('ERR_INVALID_ARGUMENT', "couldn't find PID field in ps output")
  const ours = lines.filter((line) => pids.has(Number(words(line)[column])))
  return [title, ...ours].map((line) => `${line}\n`).join('')
}

function words(line: string): string[] {
  return line.trim().split(/\s+/)
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] || 'it failed without a word'
}
