/**
 * docs/runtime-spec.md says which tests hold each property: that they are there, and that no property is without.
 * docs/reference.md is what scripts/reference.mjs makes of the published types.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { repository } from './harness/package.js'

interface Row {
  readonly section: string
  readonly cells: readonly string[]
}

const rows: Row[] = []
let section = ''
for (const line of readFileSync(`${repository}docs/runtime-spec.md`, 'utf8').split('\n')) {
  section = /^## (.*)/.exec(line)?.[1] ?? section
  const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(' | ')
  if (cells !== undefined && cells[0] !== 'property' && !/^-+$/.test(cells[0] ?? '')) rows.push({ section, cells })
}

/** A test that a row names: a file, or what a title or a name in it is. */
interface Named {
  readonly file: string
  readonly title: string | undefined
}

/** `runtime/a.test.ts: one title; another title; crates/b: name_of_a_test, another_name; spec/c.test.ts` */
function namedTests(cell: string): Named[] {
  let file = ''
  return cell.split('; ').flatMap((item): Named[] => {
    const [, start, title] = /^([a-z]+\/[\w-]+\.test\.ts|crates\/[\w-]+)(?:: (.*))?$/.exec(item) ?? []
    if (start === undefined) return [{ file, title: item }]
    file = start
    const titles = start.startsWith('crates/') ? (title?.split(', ') ?? [undefined]) : [title]
    return titles.map((one) => ({ file, title: one }))
  })
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** Whether a test's file has a title; `…` stands for what differs between several. */
function hasTitle(source: string, title: string): boolean {
  const plain = source.replaceAll(/\\(['"`])/g, '$1')
  if (new RegExp(`['"\`]${literally(title).replaceAll('…', '[^\\n]*?')}['"\`]`).test(plain)) return true
  // One that is made of parts may be named by what becomes of them.
  return [...plain.matchAll(/`([^`\n]*\$\{[^`\n]*)`/g)].some(([, template = '']) => {
    const parts = template.split(/\$\{[^}]*\}/)
    return parts.join('').length > 8 && new RegExp(`^${parts.map(literally).join('.*')}$`).test(title)
  })
}

function sourcesOf(file: string): string[] {
  const paths = file.startsWith('crates/')
    ? readdirSync(`${repository}${file}`, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.rs'))
        .map((path) => `${repository}${file}/${path}`)
    : [`${repository}__test__/${file}`].filter((path) => existsSync(path))
  return paths.map((path) => readFileSync(path, 'utf8'))
}

test('every property has its row complete, and every test that one names is there', (t) => {
  t.true(rows.length > 80)
  const missing = rows.flatMap(({ section, cells }) => {
    const [property, , tests = ''] = cells
    const row = `${section}: ${property}`
    if (cells.length !== 3 || cells.some((cell) => cell.trim() === '')) return [`${row} has an empty cell`]
    return namedTests(tests).flatMap(({ file, title }) => {
      const sources = sourcesOf(file)
      if (sources.length === 0) return [`${row}: no file ${file}`]
      const found =
        title === undefined ||
        sources.some((source) =>
          file.startsWith('crates/') ? source.includes(`fn ${title}`) : hasTitle(source, title),
        )
      return found ? [] : [`${row}: no test "${title}" in ${file}`]
    })
  })
  t.deepEqual(missing, [])
})

test('the reference of the Node API is made from the types as they are', async (t) => {
  const script: { reference(): string } = await import(`${repository}scripts/reference.mjs`)
  const page = script.reference()
  t.is(readFileSync(`${repository}docs/reference.md`, 'utf8'), page, '`npm run build` writes it anew')
  t.regex(page, /### run\n[\s\S]*?function run\(argv: readonly string\[\]/)
  t.regex(page, /### Limits\n[\s\S]*?memory\?: number/)
})
