// A page where code is typed and runs in a sandbox, its output streaming back: `node examples/code-runner/server.mjs [PORT]`,
// as root, then open the address that it prints. Each run has a sandbox of its own: no network, nothing of this machine to write
// to, 64 processes, 128 MiB, ten seconds. Closing the page ends it, with all that it started.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { run } from 'gantry'

const page = readFileSync(new URL('page.html', import.meta.url))
const languages = {
  sh: (code) => ['sh', '-c', code],
  node: (code) => [process.execPath, '--eval', code],
}
const limits = { memory: 128 << 20, pids: 64, cpus: 1 }

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://here')
  if (request.method === 'GET' && pathname === '/') {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page)
  } else if (request.method === 'POST' && pathname === '/run') {
    await runCode(languages[searchParams.get('language')], request, response)
  } else {
    response.writeHead(404).end()
  }
})

// One JSON object a line: {stream, line} as they come, and at last {exitCode, signal, durationMs} or {error}.
async function runCode(command, request, response) {
  const code = await text(request, 64 << 10)
  if (command === undefined || code === undefined) return response.writeHead(400).end()
  response.setHeader('content-type', 'application/x-ndjson')
  const tell = (message) => response.write(`${JSON.stringify(message)}\n`)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const options = { cwd: '/', limits, timeout: 10_000, signal: gone.signal, maxOutput: 1 << 20 }
    const program = run(command(code), options)
    for await (const line of program) tell(line)
    const { exitCode, signal, durationMs } = await program
    tell({ exitCode, signal, durationMs })
  } catch (error) {
    tell({ error: error.code, message: error.message })
  }
  response.end()
}

// The body of a request, if it is not longer than it may be.
async function text(request, limit) {
  const parts = []
  let length = 0
  for await (const part of request) {
    length += part.length
    if (length <= limit) parts.push(part)
  }
  return length <= limit ? Buffer.concat(parts).toString() : undefined
}

server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
