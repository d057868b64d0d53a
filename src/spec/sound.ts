/**
 * What is left of a document whose shape is wrong, so that one message can name what rules.ts finds in the rest too:
 * whoever mends a config.json wants to hear of everything at once.
 */
import { isObject } from './json.js'

/** In place of what is required and can't be used. No rule finds anything in it. */
const REQUIRED = { ociVersion: '1.0.0', root: { path: '/' } }
const REQUIRED_OF_PROCESS = { user: { uid: 0, gid: 0 }, args: ['x'], cwd: '/' }

/** Most rules ask which namespaces there are. */
const NAMESPACED = ['hostname', 'domainname', 'linux']

/** The sections of `document` that none of the problems, which begin with the path of a field, is about. */
export function soundParts(document: unknown, problems: readonly string[]): unknown {
  if (!isObject(document)) return undefined
  const unsound = new Set(problems.flatMap((problem) => sectionsOf(problem)))
  const sound = (section: unknown, prefix: string): object =>
    isObject(section)
      ? Object.fromEntries(Object.entries(section).filter(([name]) => !unsound.has(`${prefix}${name}`)))
      : {}
  const { process, linux, ...rest } = document
  return {
    ...REQUIRED,
    ...sound(rest, ''),
    process: { ...REQUIRED_OF_PROCESS, ...sound(process, 'process.') },
    ...(!unsound.has('linux') && { linux: sound(linux, 'linux.') }),
  }
}

/** `process.args[2]: expected …` is about `process.args`, `mounts[1].type: expected …` about `mounts`. */
function sectionsOf(problem: string): readonly string[] {
  const [, section = ''] = /^((?:process|linux)\.\w+|\w+)/.exec(problem) ?? []
  return section === 'linux.namespaces' ? NAMESPACED : [section]
}
