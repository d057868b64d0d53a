/** Hooks that fail, do not end, or are killed with us: what is told, and that nothing stays (runtime.md, "Lifecycle"). */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { isAlive, markedProcesses } from '../harness/machine.js'
import { everyone, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Hook, Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

function script(text: string, rest: Partial<Hook> = {}): Hook {
  return { path: '/bin/sh', args: ['sh', '-c', text], env: ['PATH=/bin:/usr/bin'], ...rest }
}

/** A bundle whose hooks are these and one that makes the file `stopped` when the container is gone. */
function bundle(session: Session, hooks: Record<string, Hook[]>, edit?: (spec: Spec) => void): string {
  const stopped = session.path('stopped')
  session.bundle({
    args: ['sleep', '60'],
    edit: (spec) => {
      spec.hooks = { ...hooks, poststop: [...(hooks.poststop ?? []), script(`echo gone >>${stopped}`)] }
      edit?.(spec)
    },
  })
  return stopped
}

for (const moment of ['prestart', 'createRuntime', 'createContainer'] as const) {
  behaviour(`a ${moment} hook that fails makes create fail, and nothing stays`, {}, async (t, session) => {
    const later = session.path('later')
    bundle(session, { [moment]: [script('exit 0'), script('exit 3'), script(`touch ${later}`)] })
    const { code, message } = await session.run(['create', session.id()])
    t.is(code, 1)
    t.regex(message, /hook/)
    t.false(existsSync(later))
    t.not((await session.run(['state', session.id()])).code, 0)
  })

  behaviour(`the message about a ${moment} hook says what happened`, { runtimes: ours }, async (t, session) => {
    const stopped = bundle(session, { [moment]: [script('exit 0'), script('echo first; echo last >&2; exit 3')] })
    for (const command of ['create', 'run']) {
      const { code, stdout, stderr } = await session.run([command, session.id()])
      t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
      t.regex(
        stderr,
        new RegExp(
          `^error running ${moment} hook #1 \\(/bin/sh -c echo first; echo last >&2; exit 3\\): ` +
            'exit status 3 after \\d+\\.\\d{3} s: first last\\n$',
        ),
      )
      // The container was made so far, and is gone.
      t.is(readFileSync(stopped, 'utf8'), command === 'create' ? 'gone\n' : 'gone\ngone\n')
    }
  })
}

behaviour(
  'a startContainer hook that fails makes start fail, and nothing stays',
  { runtimes: ours },
  async (t, session) => {
    const stopped = bundle(session, { startContainer: [script('echo no >&2; exit 7')] })
    await session.ok(['create', session.id()])
    t.false(existsSync(stopped))
    const started = await session.run(['start', session.id()])
    t.is(started.code, 1)
    t.regex(started.stderr, /^error running startContainer hook #0 \(.*\): exit status 7 after .* s: no\n$/)
    t.is(readFileSync(stopped, 'utf8'), 'gone\n')
    t.regex((await session.run(['state', session.id()])).stderr, /does not exist/)
    t.regex((await session.run(['run', session.id()])).stderr, /startContainer hook #0 .*exit status 7/)
  },
)

behaviour('a poststart hook that fails ends the container', { runtimes: ours }, async (t, session) => {
  const pid = session.path('pid')
  const stopped = bundle(session, { poststart: [script(`sed 's/.*"pid":\\([0-9]*\\).*/\\1/' >${pid}; kill -9 $$`)] })
  for (const command of [['start'], ['run'], ['run', '--detach']]) {
    if (command[0] === 'start') await session.ok(['create', session.id()])
    const { code, stderr } = await session.run([...command, session.id()])
    t.is(code, 1, command.join())
    t.regex(stderr, /^error running poststart hook #0 \(.*\): killed by signal 9 after \d+\.\d{3} s\n$/)
    t.false(isAlive(Number(readFileSync(pid, 'utf8'))))
    t.regex((await session.run(['state', session.id()])).stderr, /does not exist/)
  }
  t.is(readFileSync(stopped, 'utf8'), 'gone\n'.repeat(3))
})

// Not crun: it dies of SIGPIPE where such a hook has ended before the state is written to it.
behaviour('poststop hooks that fail are warned of, and the others run', { runtimes: ours }, async (t, session) => {
  const stopped = bundle(session, { poststop: [script('echo sorry >&2; exit 1'), { path: '/no/such/hook' }] })
  await session.ok(['create', session.id()])
  const deleted = await session.run(['delete', '--force', session.id()])
  t.is(deleted.code, 0, deleted.stderr)
  t.is(readFileSync(stopped, 'utf8'), 'gone\n')
})

behaviour('each poststop hook that failed has its warning', { runtimes: ours }, async (t, session) => {
  bundle(
    session,
    { poststop: [script('echo sorry >&2; exit 1'), { path: '/no/such/hook' }] },
    (spec) => (spec.process.args = ['true']),
  )
  const expected = [
    /poststop hook #0 \(.*exit status 1 after .* s: sorry/,
    /poststop hook #1 \(\/no\/such\/hook\): no such file or directory/,
  ]
  const check = ({ code, stderr }: { code: number; stderr: string }, lines: number) => {
    t.is(code, lines === 2 ? 0 : 1, stderr)
    t.is(stderr.trimEnd().split('\n').length, lines)
    for (const text of expected) t.regex(stderr, text)
  }
  check(await session.run(['run', session.id()]), 2)
  await session.ok(['run', '--detach', session.id()])
  await session.reaches('stopped')
  check(await session.run(['delete', session.id()]), 2)
  // With a log file, whose only line callers take for the error, warnings are not in it.
  const log = session.path('log.json')
  const global = ['--root', session.root, '--log', log, '--log-format', 'json']
  t.is((await session.run(['run', session.id()], { global })).code, 0)
  t.false(existsSync(log) && readFileSync(log, 'utf8') !== '')
  // Also when the container was removed because it could not be started.
  const config = `${session.cwd}/config.json`
  session.shellSync(`sed -i 's/"true"/"no-such-program"/' ${config}`)
  check(await session.run(['run', session.id()]), 3)
})

behaviour('a hook that is not there is named, and is no program of PATH', { runtimes: ours }, async (t, session) => {
  for (const [path, text] of [
    ['/no/such/hook', 'no such file or directory'],
    ['/etc/passwd', 'permission denied'],
  ] as const) {
    bundle(session, { createRuntime: [{ path }] })
    const { code, stderr } = await session.run(['run', session.id()])
    t.deepEqual({ code, stderr }, { code: 1, stderr: `error running createRuntime hook #0 (${path}): ${text}\n` })
  }
  bundle(session, { createRuntime: [{ path: 'true' }] })
  t.regex(
    (await session.run(['run', session.id()])).stderr,
    /hooks\.createRuntime\[0\]\.path: expected an absolute path/,
  )
})

for (const moment of ['prestart', 'createContainer', 'startContainer', 'poststart'] as const) {
  behaviour(
    `a ${moment} hook that runs out of time is killed, with its children`,
    { runtimes: ours },
    async (t, session) => {
      // A child that keeps the streams open, and one that ignores what it can.
      const slow = script(`trap '' TERM INT; sleep 61 & echo started; sleep 62`, { timeout: 1 })
      const stopped = bundle(session, { [moment]: [slow] })
      const { code, stderr } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(stderr, /hook #0 \(.*\): killed, as it ran longer than its timeout of 1 s, after 1\.\d{3} s: started\n$/)
      t.is(readFileSync(stopped, 'utf8'), 'gone\n')
      t.is((await session.shell(`ps -e -o args= | grep -c '^sleep 6[12]$'`)).stdout, '0\n')
    },
  )
}

behaviour('a timeout that is not reached changes nothing', { runtimes: everyone }, async (t, session) => {
  bundle(session, { createRuntime: [script('cat', { timeout: 30 })] }, (spec) => (spec.process.args = ['true']))
  t.is((await session.run(['run', session.id()])).code, 0)
})

behaviour('a hook may print without end: its message has the end', { runtimes: ours }, async (t, session) => {
  bundle(session, { createRuntime: [script('head -c 300000000 /dev/zero | tr "\\\\0" x; echo; echo the end; exit 1')] })
  const { code, stderr } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(stderr, /x the end\n$/)
  // conmon reads 8191 bytes, once.
  t.true(stderr.length < 4096)
})

behaviour(
  'a hook that does not read its input, however long that is, is well',
  { runtimes: ours },
  async (t, session) => {
    const found = session.path('found')
    bundle(session, { createRuntime: [script('exec <&-; exit 0'), script(`wc -c >${found}`)] }, (spec) => {
      spec.annotations = { long: 'x'.repeat(1_000_000) }
      spec.process.args = ['true']
    })
    await session.ok(['run', session.id()])
    t.true(Number(readFileSync(found, 'utf8')) > 1_000_000)
  },
)

for (const moment of ['createRuntime', 'createContainer'] as const) {
  behaviour(
    `a create that is killed in a ${moment} hook leaves what delete --force clears, and no hook`,
    { runtimes: ours },
    async (t, session) => {
      const started = session.path('started')
      const stopped = bundle(session, { [moment]: [script(`touch ${started}; exec sleep 63`)] })
      const create = session.spawn(['create', session.id()])
      await until('the hook runs', () => existsSync(started))
      t.is((await session.state()).status, 'creating')
      create.child.kill('SIGKILL')
      await create.finished
      await until('the hook is gone', () => markedProcesses(session.mark, new Set([process.pid])).length === 0)
      t.is((await session.shell(`ps -e -o args= | grep -c '^sleep 63$'`)).stdout, '0\n')
      t.is((await session.state()).status, 'stopped')
      await session.ok(['delete', '--force', session.id()])
      t.is(readFileSync(stopped, 'utf8'), 'gone\n')
      t.deepEqual(readdirSync(session.root), [])
    },
  )
}

behaviour(
  'a delete that is killed in a poststop hook is finished by another',
  { runtimes: ours },
  async (t, session) => {
    const started = session.path('started')
    const stopped = bundle(session, {
      poststop: [script(`[ -e ${started} ] && exit 0; touch ${started}; exec sleep 64`)],
    })
    await session.ok(['create', session.id()])
    const deletion = session.spawn(['delete', '--force', session.id()])
    await until('the hook runs', () => existsSync(started))
    deletion.child.kill('SIGKILL')
    await deletion.finished
    t.false(existsSync(stopped))
    await session.ok(['delete', '--force', session.id()])
    t.is(readFileSync(stopped, 'utf8'), 'gone\n')
  },
)
