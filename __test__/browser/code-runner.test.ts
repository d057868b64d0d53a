/** examples/code-runner in a real browser: code is typed, runs in a sandbox, and its output streams into the page. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
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
  server = spawn(process.execPath, [`${repository}examples/code-runner/server.mjs`, '0'], {
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
  await page.setViewport({ width: 800, height: 720 })
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
async function type(code: string, language = 'sh'): Promise<void> {
  await page.select('[name=language]', language)
  await page.focus('[name=code]')
  await page.keyboard.down('Control')
  await page.keyboard.press('KeyA')
  await page.keyboard.up('Control')
  await page.type('[name=code]', code)
  await page.click('[name=run]')
}

const output = (): Promise<string> => page.$eval('pre', (element) => element.textContent ?? '')
const status = (): Promise<string> => page.$eval('output', (element) => element.textContent ?? '')
const ended = (): Promise<unknown> => until('the program has ended', async () => /exit code|SIG/.test(await status()))

const inBrowser: (title: string, body: (t: import('ava').ExecutionContext) => Promise<void>) => void =
  absent === undefined
    ? (title, body) => test.serial(title, body)
    : (title) => test.skip(`${title} (${absent})`, () => {})

inBrowser('output comes while the program runs', async (t) => {
  await type('echo first; while ! test -e /tmp/go; do sleep 0.05; done & sleep 1; echo last')
  await until('the first line is there', async () => (await output()) === 'first\n')
  t.is(await status(), 'running')
  await ended()
  t.is(await output(), 'first\nlast\n')
  t.regex(await status(), /^exit code 0 after \d+ ms$/)
})

inBrowser('errors are told apart, and the machine is closed', async (t) => {
  await type('echo fine; touch /etc/passwd; exit 3')
  await ended()
  t.regex(await page.$eval('.stderr', (element) => element.textContent ?? ''), /Permission denied|Read-only/)
  t.regex(await status(), /^exit code 3 /)
  mkdirSync(`${repository}dist`, { recursive: true })
  t.true((await page.screenshot({ path: `${repository}dist/code-runner.png` })).length > 1000)
})

inBrowser('JavaScript runs too', async (t) => {
  await type('console.log([1, 2, 3].map((n) => n ** 2).join())', 'node')
  await ended()
  t.is(await output(), '1,4,9\n')
})

inBrowser('Stop ends the program and all that it started', async (t) => {
  const mark = `gantry-browser-${process.pid}`
  await type(`sh -c 'echo up; sleep 1000' ${mark} & wait`)
  await until('it is up', async () => (await output()) === 'up\n')
  t.true(markedProcesses(mark, new Set()).length > 0)
  await page.click('[name=stop]')
  await until('it says so', async () => (await status()) === 'stopped')
  t.true(await until('its processes are gone', () => markedProcesses(mark, new Set()).length === 0))
})
