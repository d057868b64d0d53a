/** The programs of docs/guides.md print what stands below them, with the package as it is built. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { apiTest } from '../harness/api.js'
import { repository } from '../harness/package.js'

const [, ...sections] = readFileSync(`${repository}docs/guides.md`, 'utf8').split(/^## /m)

for (const [number, section] of sections.entries()) {
  const [, title, program = '', output = ''] =
    /^([^\n]*)\n.*?^```js\n(.*?)^```\n\n```\n(.*?)^```$/ms.exec(section) ?? []
  apiTest(`docs/guides.md: ${title}`, async (t) => {
    t.not(output, '', 'no program, or not what it prints')
    // Inside the package, so that it finds itself by its name.
    const directory = `${repository}dist/guides-${process.pid}`
    mkdirSync(directory, { recursive: true })
    try {
      writeFileSync(`${directory}/${number}.mjs`, program)
      const { stdout } = await promisify(execFile)(process.execPath, [`${directory}/${number}.mjs`], {
        timeout: 30_000,
      })
      t.is(stdout, output)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
}
