/** `exec`: another process in a container that is there. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

behaviour('exec prints what its process prints, and exits as it does', { runtimes: everyone }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const result = await session.run(['exec', id, 'sh', '-c', 'cat; echo err >&2; exit 37'], { input: 'in\n' })
    t.like(result, { code: 37, stdout: 'in\n', stderr: 'err\n' })
    t.is((await session.run(['exec', id, 'sh', '-c', 'kill -9 $$'])).code, 137)
  })
})

behaviour('the process is in all namespaces of the container', { runtimes: everyone }, async (t, session) => {
  const edit = (spec: Spec): void => {
    spec.linux.namespaces.push({ type: 'cgroup' })
  }
  await inContainer(session, { edit }, async (id) => {
    const names = 'cgroup ipc mnt net pid uts user'
    const script = `for name in ${names}; do readlink /proc/PID/ns/$name; done`
    const { pid } = await session.state()
    const ofInit = session.shellSync(script.replace('PID', String(pid)))
    t.is(await session.ok(['exec', id, 'sh', '-c', script.replace('PID', 'self')]), ofInit)
    t.is(
      await session.ok(['exec', id, 'sh', '-c', 'hostname; ls /']),
      await session.ok(['exec', id, 'sh', '-c', 'echo test; ls /']),
    )
  })
})

behaviour('the process is in the cgroup of the container', { runtimes: everyone }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const { pid } = await session.state()
    t.is(await session.ok(['exec', id, 'cat', '/proc/self/cgroup']), readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
  })
})

behaviour(
  'the process has the settings that the container was made with, whatever its bundle says now',
  { runtimes: ours },
  async (t, session) => {
    const edit = (spec: Spec): void => {
      spec.process.env.push('FIRST=1')
      spec.process.user = { uid: 1000, gid: 50, additionalGids: [60], umask: 0o27 }
      spec.process.cwd = '/tmp'
    }
    await inContainer(session, { edit }, async (id) => {
      writeFileSync(`${session.cwd}/config.json`, '{}')
      const script = 'echo $FIRST; pwd; id -u; id -G; umask; ulimit -n; grep -e NoNewPrivs -e CapBnd /proc/self/status'
      t.is(
        await session.ok(['exec', id, 'sh', '-c', script]),
        '1\n/tmp\n1000\n50 60\n0027\n1024\nCapBnd:\t0000000020000420\nNoNewPrivs:\t1\n',
      )
    })
  },
)

behaviour('options of exec change its process', { runtimes: ['gantry', 'node', 'runc'] }, async (t, session) => {
  const edit = (spec: Spec): void => {
    spec.process.env.push('FIRST=1', 'SECOND=1')
    spec.process.noNewPrivileges = false
  }
  await inContainer(session, { edit }, async (id) => {
    const script =
      'echo $FIRST $SECOND $THIRD; pwd; id -u; id -g; id -G; grep -e NoNewPrivs -e CapBnd /proc/self/status'
    const options = ['--env', 'SECOND=2', '--env', 'THIRD=3=3', '--cwd', '/bin', '--user', '7:8', '--no-new-privs']
    const more = ['--additional-gids', '9', '--additional-gids', '10', '--cap', 'CAP_CHOWN']
    t.is(
      await session.ok(['exec', ...options, ...more, id, 'sh', '-c', script]),
      '1 2 3=3\n/bin\n7\n8\n8 9 10\nCapBnd:\t0000000020000421\nNoNewPrivs:\t1\n',
    )
    t.is(await session.ok(['exec', '-u', '7', '-e', 'A=1', id, 'sh', '-c', 'id -u; id -g; echo $A']), '7\n0\n1\n')
  })
})

behaviour('exec --process takes a whole process section', { runtimes: everyone }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const file = session.file(
      'process.json',
      JSON.stringify({
        user: { uid: 5, gid: 6 },
        args: ['sh', '-c', 'echo $A; pwd; id -u; exit 3'],
        env: ['A=b', 'PATH=/bin'],
        cwd: '/tmp',
      }),
    )
    t.like(await session.run(['exec', '--process', file, id]), { code: 3, stdout: 'b\n/tmp\n5\n' })
    t.like(await session.run(['exec', '-p', file, id]), { code: 3, stdout: 'b\n/tmp\n5\n' })
  })
})

behaviour(
  'exec --detach returns while the process runs, and has written its pid',
  { runtimes: everyone },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const file = session.path('pid')
      t.is(await session.ok(['exec', '--detach', '--pid-file', file, id, 'sleep', '600']), '')
      const pid = readFileSync(file, 'utf8')
      t.regex(pid, /^[0-9]+$/)
      await until('its program runs', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\u0000600\u0000')
    })
  },
)

for (const [what, options, argv, message] of [
  ['a program that is missing', [], ['nope'], /executable file .*not found in \$PATH/],
  ['a path that is missing', [], ['/no/pe'], /no such file or directory/i],
  ['a directory', [], ['/etc'], /is a directory|permission denied|operation not permitted/i],
  ['a file that is not executable', [], ['/etc/passwd'], /permission denied/i],
  [
    'a working directory that is missing',
    ['--cwd', '/missing'],
    ['true'],
    /chdir to cwd \("\/missing"\) set in config.json failed: no such file/,
  ],
] as const) {
  behaviour(`exec of ${what} is an error, 255, and no pid file`, { runtimes: likeRunc }, async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const file = session.path('pid')
      const { code, message: text } = await session.run(['exec', ...options, '--pid-file', file, id, ...argv])
      t.is(code, 255)
      t.regex(text, message)
      t.false(existsSync(file))
    })
  })
}

behaviour('exec in a container that there is not, or that has stopped, is an error', {}, async (t, session) => {
  const missing = await session.run(['exec', session.id(), 'true'])
  t.is(missing.code, 255)
  t.regex(missing.message, /container does not exist/)
  session.bundle({ args: ['true'] })
  await session.ok(['run', '--detach', session.id()])
  await session.reaches('stopped')
  const { code, message } = await session.run(['exec', session.id(), 'true'])
  t.is(code, 255)
  t.regex(message, /cannot exec in a stopped container/)
  await session.ok(['delete', session.id()])
})

behaviour('exec in a container that waits for start', { runtimes: everyone }, async (t, session) => {
  session.bundle({ args: ['sleep', '600'] })
  await session.ok(['create', session.id()])
  t.is(await session.ok(['exec', session.id(), 'hostname']), 'test\n')
  t.is((await session.state()).status, 'created')
  await session.ok(['delete', '--force', session.id()])
})

behaviour('exec forwards signals to its process', { runtimes: everyone }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const script = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'
    const exec = session.spawn(['exec', id, 'sh', '-c', script])
    await until('the process is ready', () => exec.stdout() === 'ready\n')
    exec.child.kill('SIGTERM')
    t.is((await exec.finished).code, 9)
    t.is((await session.state()).status, 'running')
  })
})

behaviour('a user is given by numbers only', { runtimes: ours }, async (t, session) => {
  const hostile = (path: string): void => {
    writeFileSync(
      `${path}/etc/passwd`,
      ['1 1', ' 1', '+1', '-1', '0x1', '1.0', '1e3', 'root'].map((name) => `${name}:x:0:0::/:/bin/sh\n`).join(''),
    )
  }
  session.bundle({ args: ['sleep', '600'], rootfs: hostile })
  await session.ok(['run', '--detach', session.id()])
  const wrong = [
    '1 1',
    '1:',
    ':1',
    '+1',
    '0x1',
    ' 1',
    '1 ',
    '1:2:3',
    '1.0',
    '1e3',
    '4294967295',
    '4294967296',
    '9'.repeat(20),
    '',
    'root',
    'mary',
  ]
  for (const user of wrong) {
    const { code, message } = await session.run(['exec', `--user=${user}`, session.id(), 'id', '-u'])
    t.is(code, 255, user)
    t.regex(message, /invalid (number|id|user)/, user)
  }
  for (const user of ['1', '2147483648', '4294967294'])
    t.is(await session.ok(['exec', '--user', user, session.id(), 'id', '-u']), `${user}\n`)
  await session.ok(['delete', '--force', session.id()])
})
