// Runs code that strangers send over HTTP, and streams what it writes: `node examples/node/service/server.mjs [PORT]`, then open the page.
//
// Each request has a sandbox of its own, with limits. When the browser goes away, the program does too; when the server is killed,
// so are all programs.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { argv, nextTick } from 'node:process'
import { fileURLToPath } from 'node:url'
import { GantryError, run } from 'gantry'

const page = readFileSync(fileURLToPath(new URL('page.html', import.meta.url)))
const languages = { python: ['python3', '-'], shell: ['sh', '-s'] }
const limits = { memory: 256 << 20, pids: 64, cpus: 1 }
const most = { code: 64 << 10, output: 64 << 10, running: 8, milliseconds: 10_000 }
let running = 0

const server = createServer(async (request, response) => {
  try {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost')
    if (request.method === 'GET' && pathname === '/') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      return response.end(page)
    }
    if (request.method !== 'POST' || pathname !== '/run') return answer(response, 404, 'no such page')
    const command = languages[searchParams.get('language')]
    if (command === undefined) return answer(response, 400, `languages: ${Object.keys(languages).join(', ')}`)
    if (running >= most.running) return answer(response, 503, 'too many programs are running')
    running++
    try {
      await execute(command, request, response)
    } finally {
      running--
    }
  } catch (error) {
    if (!response.headersSent) answer(response, 500, error instanceof Error ? error.message : String(error))
    else response.end()
  }
})

function answer(response, status, text) {
  response.statusCode = status
  response.end(`${text}\n`)
}

/** Each line of the answer is a JSON array: a stream and a line of it, or `end` and how it ended. */
async function execute(command, request, response) {
  const code = await read(request)
  if (code === undefined) return answer(response, 413, `more than ${most.code} bytes of code`)
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  response.setHeader('content-type', 'application/x-ndjson')
  // Many lines at once are one packet; a browser that is slow makes the program wait.
  const tell = async (...words) => {
    response.cork()
    nextTick(() => response.uncork())
    if (!response.write(`${JSON.stringify(words)}\n`) && !gone.signal.aborted) {
      await once(response, 'drain', { signal: gone.signal }).catch(() => {})
    }
  }
  const options = { cwd: '/tmp', input: code, limits, timeout: most.milliseconds, signal: gone.signal }
  try {
    const program = run(command, { ...options, maxOutput: most.output, onOverflow: 'kill' })
    for await (const { stream, line } of program) await tell(stream, line)
    const { exitCode, signal } = await program
    await tell('end', exitCode ?? signal)
  } catch (error) {
    if (!(error instanceof GantryError)) throw error
    await tell('end', error.code)
  }
  response.end()
}

async function read(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > most.code) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

server.listen(Number(argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
