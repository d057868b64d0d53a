/** The configurations of docs/drop-in.md, which are what the tests of callers use. */
import { readFileSync } from 'node:fs'
import { repository } from '../harness/package.js'

/** The first block of code below a heading, with the path of another runtime in it. */
export function documented(heading: string, runtime: string): string {
  const text = readFileSync(`${repository}docs/drop-in.md`, 'utf8')
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))
  const block = section === undefined ? undefined : /^```\w+\n(.*?)^```$/ms.exec(section)?.[1]
  if (block === undefined) throw new Error(`docs/drop-in.md says nothing about ${heading}`)
  return block.replaceAll('/usr/local/bin/gantry', runtime)
}
