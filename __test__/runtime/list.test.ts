/** `list`: all containers of a root. */
import { mkdirSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { ours } from '../harness/runtime.js'
import { until } from '../harness/until.js'

behaviour('list prints a table with a line for each container', {}, async (t, session) => {
  const bundle = session.bundle({ args: ['sleep', '60'] })
  await session.ok(['create', session.id('a')])
  await session.ok(['run', '-d', session.id('b')])
  const [header = '', ...lines] = (await session.ok(['list'])).trimEnd().split('\n')
  t.deepEqual(header.trim().split(/ +/), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
  t.is(lines.length, 2)
  for (const [index, name, status] of [
    [0, 'a', 'created'],
    [1, 'b', 'running'],
  ] as const) {
    const { pid, created } = await session.state(session.id(name))
    const fields = (lines[index] ?? '').trim().split(/ +/)
    t.deepEqual(fields, [session.id(name), String(pid), status, bundle, created, 'root'])
    // The columns stand below their titles.
    for (const [column, title] of ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'].entries()) {
      t.is(lines[index]?.indexOf(fields[column] ?? '?', header.indexOf(title)), header.indexOf(title))
    }
  }
  for (const name of ['a', 'b']) await session.ok(['delete', '-f', session.id(name)])
})

for (const options of [['--format', 'json'], ['--format=json'], ['-f', 'json']]) {
  behaviour(`list ${options.join(' ')} prints an array of states`, {}, async (t, session) => {
    session.bundle({ args: ['sleep', '60'], edit: (spec) => (spec.annotations = { a: 'b' }) })
    await session.ok(['create', session.id()])
    const { code, stdout, stderr } = await session.run(['list', ...options])
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    const [entry, ...others] = JSON.parse(stdout)
    t.deepEqual(others, [])
    t.deepEqual(entry, { ...(await session.state()), owner: 'root' })
    await session.ok(['delete', '-f', session.id()])
  })
}

for (const option of ['--quiet', '-q']) {
  behaviour(`list ${option} prints ids`, {}, async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['create', session.id('a')])
    await session.ok(['create', session.id('b')])
    t.is(await session.ok(['list', option]), `${session.id('a')}\n${session.id('b')}\n`)
    for (const name of ['a', 'b']) await session.ok(['delete', '-f', session.id(name)])
  })
}

behaviour('list of an empty root prints a header, null, or nothing', {}, async (t, session) => {
  mkdirSync(session.root)
  t.regex(await session.ok(['list']), /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/)
  t.is((await session.ok(['list', '--format', 'json'])).trim(), 'null')
  t.is(await session.ok(['list', '--quiet']), '')
})

behaviour('list shows a stopped container with the pid 0', {}, async (t, session) => {
  session.bundle()
  await session.ok(['run', '-d', session.id()])
  await session.reaches('stopped')
  t.like(JSON.parse(await session.ok(['list', '-f', 'json']))[0], { id: session.id(), pid: 0, status: 'stopped' })
  await session.ok(['delete', session.id()])
})

behaviour('an unknown format is an error', {}, async (t, session) => {
  mkdirSync(session.root)
  const { code, message } = await session.run(['list', '--format', 'yaml'])
  t.is(code, 1)
  t.regex(message, /format/)
})

behaviour('list of a root that was named and is missing is an error', { runtimes: ours }, async (t, session) => {
  // As runc does from 1.5 on.
  const { code, stdout, message } = await session.run(['list'])
  t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  t.true(message.includes(session.root))
})

behaviour('while containers come and go, list never fails', { runtimes: ours }, async (t, session) => {
  session.bundle()
  await session.ok(['run', session.id()])
  let going = true
  const churn = (async () => {
    for (let round = 0; round < 8; round++) await session.ok(['run', session.id(`churn${round % 2}`)])
    going = false
  })()
  // A test that has failed by then does not wait for it.
  churn.catch(() => undefined)
  let lists = 0
  await until(
    'the last is gone',
    async () => {
      t.like(await session.run(['list', '--quiet']), { code: 0, stderr: '' })
      lists++
      return !going
    },
    30_000,
  )
  await churn
  t.true(lists > 0)
})
