/**
 * docs/reference.md: every name that `import 'gantry'` gives, with its declaration and its doc comment, out of the declarations that are
 * published (dist/*.d.ts). The build writes it, and a test holds that it is current.
 *
 * It reads the declarations as text. The compiler that writes them has no interface for programs, and lays them out in one way only:
 * a declaration begins and ends at the left margin.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { replace, root } from './toolchain.mjs'

const intro = `# Reference of the Node API

Made from the declarations by \`scripts/reference.mjs\`: whatever \`import 'gantry'\` gives, with what its types say of it.
How the whole behaves is told in [api.md](api.md), task by task in [guide/](guide/README.md); the errors are in [errors.md](errors.md).
`

/** The parts of the page, in its order. */
const parts = [
  ['Functions', (kind) => kind === 'function'],
  ['Values', (kind) => kind === 'const'],
  ['Errors', (kind) => kind === 'class'],
  ['Types', (kind) => kind === 'interface' || kind === 'type'],
]

/** The whole page. */
export function reference(index = join(root, 'dist/index.d.ts')) {
  const entries = exportsOf(index).map(({ name, file }) => ({ name, ...declarationOf(name, file) }))
  const byPart = parts.map(([title, belongs]) => ({
    title,
    own: entries.filter(({ kind }) => belongs(kind)).sort((one, other) => (one.name < other.name ? -1 : 1)),
  }))
  const links = linksTo(byPart.flatMap(({ own }) => own.map(({ name }) => name)))
  const contents = byPart.map(({ title, own }) => `- ${title}: ${own.map(({ name }) => links.get(name)).join(', ')}`)
  const sections = byPart.map(({ title, own }) => `## ${title}\n\n${own.map((one) => section(one, links)).join('\n')}`)
  return [intro, `${contents.join('\n')}\n`, ...sections].join('\n')
}

/** For each name, a link to its heading: where two differ in case alone, the second has a number. */
function linksTo(names) {
  const taken = new Map()
  return new Map(
    names.map((name) => {
      const anchor = name.toLowerCase()
      const before = taken.get(anchor) ?? 0
      taken.set(anchor, before + 1)
      return [name, `[\`${name}\`](#${anchor}${before === 0 ? '' : `-${before}`})`]
    }),
  )
}

/** `export { a, type B } from './c.js'` and `export type { D } from './e.js'`: each name with its file. */
function exportsOf(index) {
  const text = readFileSync(index, 'utf8')
  return [...text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']*)\.js';$/gm)].flatMap(([, list, file]) =>
    list
      .split(',')
      .map((item) => ({ name: item.trim().replace(/^type /, ''), file: join(dirname(index), `${file}.d.ts`) })),
  )
}

/** What declares a name: all of its overloads together, and their doc comment. */
function declarationOf(name, file) {
  const begins = new RegExp(`^export (?:declare )?(function|const|class|interface|type) ${name}\\b`)
  const own = statementsOf(file).filter(({ code }) => begins.test(code))
  if (own.length === 0) throw new Error(`no declaration of ${name} in ${file}`)
  return {
    kind: begins.exec(own[0].code)[1],
    comment: own.map(({ comment }) => comment).find((one) => one !== '') ?? '',
    code: own.map(({ code }) => code.replace(/^export (declare )?/, '')).join('\n'),
  }
}

/** The statements of a file, each with the comment before it. */
function statementsOf(file) {
  const chunks = readFileSync(file, 'utf8')
    .trimEnd()
    .split(/\n(?=\/\*\*|[a-z])/)
  return chunks.map((code, at) => ({ code, comment: chunks[at - 1]?.startsWith('/**') ? chunks[at - 1] : '' }))
}

function section({ name, comment, code }, links) {
  const text = textOf(comment, links)
  return `### ${name}\n\n${text}${text === '' ? '' : '\n\n'}\`\`\`ts\n${code.replaceAll('    ', '  ')}\n\`\`\`\n`
}

/** The text of a doc comment, with links to the names that are on the page. */
function textOf(comment, links) {
  const lines = comment
    .replace(/^\/\*\*\s?/, '')
    .replace(/\s*\*\/\s*$/, '')
    .split('\n')
  const text = lines
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
  return text.replaceAll(/\{@link (\w+)(?:\.(\w+))?\}/g, (_, name, member) =>
    [links.get(name) ?? `\`${name}\``, member && `\`${member}\``].filter(Boolean).join('.'),
  )
}

/** As the build does. */
export function writeReference() {
  replace(join(root, 'docs/reference.md'), reference())
}
