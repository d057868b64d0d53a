/** examples/node/service in a real browser: code is typed, runs in a sandbox, and its output streams into the page. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { markedProcesses } from '../harness/machine.js'
import { repository } from '../harness/package.js'
import { which } from '../harness/runtime.js'
import { until } from '../harness/until.js'

const chromium = which('chromium')
const absent =
  chromium === undefined ? 'chromium is not installed' : process.geteuid?.() === 0 ? undefined : 'needs root'

const profile = mkdtempSync(`${tmpdir()}/gantry-browser-`)
let server: ChildProcess
let browser: Browser
let page: Page

test.before(async () => {
  if (absent !== undefined) return
  server = spawn(process.execPath, [`${repository}examples/node/service/server.mjs`, '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (server.stdout === null) throw new Error('no standard output')
  const [address] = await once(server.stdout, 'data')
  browser = await puppeteer.launch({
    executablePath: chromium ?? '',
    userDataDir: profile,
    // Chromium's own sandbox does not work for root.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  page = await browser.newPage()
  await page.setViewport({ width: 800, height: 640 })
  await page.goto(String(address).trim())
})

test.after.always(async (t) => {
  await browser?.close()
  if (server !== undefined) {
    server.kill()
    await once(server, 'exit')
  }
  rmSync(profile, { recursive: true, force: true })
  t.pass()
})

/** Types code in place of what is there, and lets it run. */
async function type(code: string, language = 'shell'): Promise<void> {
  await page.select('[name=language]', language)
  await page.focus('[name=code]')
  await page.keyboard.down('Control')
  await page.keyboard.press('KeyA')
  await page.keyboard.up('Control')
  await page.type('[name=code]', code)
  await page.click('[type=submit]')
}

/** The lines of the page's output, each with what it is: of a stream, or the end. */
const output = (): Promise<[string, string][]> =>
  page.$$eval('output div', (lines) => lines.map((line): [string, string] => [line.className, line.textContent ?? '']))

const ended = (): Promise<true> =>
  until('the program has ended', async () => (await output()).some(([kind]) => kind === 'end'))

const inBrowser: (title: string, body: (t: ExecutionContext) => Promise<void>) => void =
  absent === undefined
    ? (title, body) => test.serial(title, body)
    : (title) => test.skip(`${title} (${absent})`, () => {})

inBrowser('output comes while the program runs, and then how it ended', async (t) => {
  await type('echo first; sleep 1; echo last')
  await until('the first line is there', async () => (await output()).length === 1)
  t.deepEqual(await output(), [['stdout', 'first']])
  await ended()
  t.deepEqual(await output(), [
    ['stdout', 'first'],
    ['stdout', 'last'],
    ['end', 'ended with 0'],
  ])
})

inBrowser('errors are told apart, and the machine is closed', async (t) => {
  await type('id -u; cat /etc/shadow; exit 3')
  await ended()
  t.deepEqual(await output(), [
    ['stdout', '0'],
    ['stderr', 'cat: /etc/shadow: Permission denied'],
    ['end', 'ended with 3'],
  ])
  t.true((await page.screenshot({ path: `${repository}dist/service.png` })).length > 1000)
})

inBrowser('Stop ends the program and all that it started', async (t) => {
  const mark = `gantry-browser-${process.pid}`
  await type(`sh -c 'echo up; sleep 1000' ${mark} & wait`)
  await until('it is up', async () => (await output()).length === 1)
  t.true(markedProcesses(mark, new Set()).length > 0)
  await page.click('[name=stop]')
  await ended()
  t.deepEqual((await output()).at(-1), ['end', 'stopped'])
  t.true(await until('its processes are gone', () => markedProcesses(mark, new Set()).length === 0))
})
