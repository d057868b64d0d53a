/** `sandbox`: a command without a bundle, on a read-only view of this machine. */
import { existsSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { type BehaviourOptions, behaviour } from '../harness/behaviour.js'
import { makeRootfs } from '../harness/rootfs.js'
import { ours } from '../harness/runtime.js'
import type { Finished, RunOptions, Session } from '../harness/session.js'
import { noUserNamespaces, unprivileged } from '../harness/user.js'

type Who = [who: string, options: BehaviourOptions, as: (session: Session) => RunOptions]

/** Each behaviour holds for root and for a user without privileges. */
const callers: Who[] = [
  ['root', { runtimes: ours }, () => ({})],
  [
    'an unprivileged user',
    { runtimes: ours, unprivileged: true, unless: noUserNamespaces },
    (session) => {
      session.openToEveryone()
      const root = session.directory('own-state')
      const runtimeDirectory = session.directory('xdg')
      session.stateRoots.push(root)
      session.shellSync(`chmod 777 ${root} ${runtimeDirectory}`)
      return { global: ['--root', root], through: unprivileged.through, env: { XDG_RUNTIME_DIR: runtimeDirectory } }
    },
  ],
]

for (const [who, options, as] of callers) {
  const sandbox = (session: Session, argv: readonly string[], more: RunOptions = {}): Promise<Finished> => {
    const caller = as(session)
    return session.run(['sandbox', ...argv], { ...caller, cwd: '/', ...more, env: { ...caller.env, ...more.env } })
  }

  behaviour(
    `sandbox of ${who} runs a program of this machine, and exits with its status`,
    options,
    async (t, session) => {
      t.like(await sandbox(session, ['--', 'sh', '-c', 'echo out; echo err >&2; exit 7']), {
        code: 7,
        stdout: 'out\n',
        stderr: 'err\n',
      })
    },
  )

  behaviour(`sandbox of ${who} needs no -- before a command without options`, options, async (t, session) => {
    t.like(await sandbox(session, ['echo', 'hello']), { code: 0, stdout: 'hello\n', stderr: '' })
  })

  behaviour(`sandbox of ${who} sees this machine's files and can't change them`, options, async (t, session) => {
    const directory = session.directory('there')
    session.shellSync(`chmod 777 ${directory}`)
    const script = `cat /etc/hostname; for d in / /etc /usr /var /home ${directory}; do test -w $d && echo $d; done; touch ${directory}/new || echo refused`
    const { stdout } = await sandbox(session, ['--', 'sh', '-c', script])
    t.is(stdout, `${readFileSync('/etc/hostname', 'utf8')}refused\n`)
    t.is(session.shellSync(`ls ${directory}`), '')
  })

  behaviour(`sandbox of ${who} has a private /tmp and /dev`, options, async (t, session) => {
    const { stdout, stderr } = await sandbox(session, [
      '--',
      'sh',
      '-c',
      'ls -A /tmp; touch /tmp/mine && echo written; ls /dev; echo x >/dev/null; stat -c %t:%T /dev/null',
    ])
    const [first, ...rest] = stdout.trim().split('\n')
    t.is(first, 'written', stderr)
    for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'fd', 'pts', 'shm'])
      t.true(rest.includes(name), name)
    for (const name of ['kmsg', 'mem', 'fuse', 'vda', 'sda', 'loop0']) t.false(rest.includes(name), name)
    t.is(rest.at(-1), '1:3')
  })

  behaviour(
    `sandbox of ${who} has namespaces of its own, no capabilities, and no_new_privs`,
    options,
    async (t, session) => {
      const { stdout } = await sandbox(session, [
        '--',
        'sh',
        '-c',
        'for n in pid mnt ipc uts net; do echo $n $(readlink /proc/self/ns/$n); done; cat /proc/self/status',
      ])
      for (const name of ['pid', 'mnt', 'ipc', 'uts', 'net']) {
        const here = session.shellSync(`readlink /proc/self/ns/${name}`).trim()
        t.regex(stdout, new RegExp(`^${name} ${name}:`, 'm'))
        t.false(stdout.includes(here), name)
      }
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        t.regex(stdout, new RegExp(`^${set}:\\t0{16}$`, 'm'))
      t.regex(stdout, /^NoNewPrivs:\t1$/m)
    },
  )

  behaviour(`sandbox of ${who} sees its own processes only`, options, async (t, session) => {
    const { stdout } = await sandbox(session, ['--', 'sh', '-c', 'echo $$; ls /proc | grep -c "^[0-9]*$"'])
    const [pid, count] = stdout.trim().split('\n').map(Number)
    t.true(pid === 1 || pid === 2)
    t.true((count ?? 99) <= 4)
  })

  behaviour(
    `sandbox of ${who} has no network but a loopback, or the host's with --network host`,
    options,
    async (t, session) => {
      t.is(
        (await sandbox(session, ['--', 'ls', '/sys/class/net'])).stdout.trim(),
        session.shellSync('ls /sys/class/net | grep "^lo$"').trim(),
      )
      t.is(
        (
          await sandbox(session, ['--network', 'none', '--', 'sh', '-c', 'tail -n +3 /proc/net/dev | cut -d: -f1'])
        ).stdout.trim(),
        'lo',
      )
      t.is(
        (await sandbox(session, ['--network', 'host', '--', 'readlink', '/proc/self/ns/net'])).stdout,
        session.shellSync('readlink /proc/self/ns/net'),
      )
      t.is((await sandbox(session, ['--network', 'some', '--', 'true'])).code, 1)
    },
  )

  behaviour(`sandbox of ${who}: --writable lets a directory be written, and no other`, options, async (t, session) => {
    const directory = session.directory('writable')
    session.directory('other')
    session.shellSync(`chmod 777 ${directory} ${session.dir}/other`)
    const { stdout } = await sandbox(session, [
      '--writable',
      directory,
      '--',
      'sh',
      '-c',
      `echo text >${directory}/new; touch ${session.dir}/other/new 2>/dev/null && echo written; cat ${directory}/new`,
    ])
    t.is(stdout, 'text\n')
    t.is(readFileSync(`${directory}/new`, 'utf8'), 'text\n')
    t.is((await sandbox(session, ['--writable', '/no/such/directory', '--', 'true'])).code, 1)
  })

  behaviour(`sandbox of ${who}: --cwd is where the command runs`, options, async (t, session) => {
    t.is((await sandbox(session, ['--cwd', '/usr', '--', 'pwd'])).stdout, '/usr\n')
    t.is((await sandbox(session, ['--cwd=/usr/bin', '--', 'pwd'])).stdout, '/usr/bin\n')
    const missing = `/usr/${session.mark}`
    const { code } = await sandbox(session, ['--cwd', missing, '--', 'pwd'])
    const made = existsSync(missing)
    if (made) rmdirSync(missing)
    t.deepEqual({ code, made }, { code: 1, made: false })
  })

  behaviour(
    `sandbox of ${who}: --env sets variables, and the caller's secrets stay outside`,
    options,
    async (t, session) => {
      const { stdout } = await sandbox(session, ['--env', 'COLOUR=blue', '--env=SIZE=a b', '--', 'env'], {
        env: { SECRET: 'hush' },
      })
      t.regex(stdout, /^COLOUR=blue$/m)
      t.regex(stdout, /^SIZE=a b$/m)
      t.regex(stdout, /^PATH=/m)
      t.notRegex(stdout, /SECRET|GANTRY_TEST/)
    },
  )

  behaviour(`sandbox of ${who}: --rootfs is the root in place of this machine's`, options, async (t, session) => {
    const rootfs = session.path('image')
    makeRootfs(rootfs)
    writeFileSync(`${rootfs}/mark`, 'this one')
    t.is((await sandbox(session, ['--rootfs', rootfs, '--', 'cat', '/mark'])).stdout, 'this one')
    t.is((await sandbox(session, ['--rootfs', '/no/such/image', '--', 'true'])).code, 1)
  })

  behaviour(`sandbox of ${who}: --overlay takes what is changed in that root`, options, async (t, session) => {
    const rootfs = session.path('image')
    makeRootfs(rootfs)
    if (who !== 'root') session.shellSync(`chown -R --no-dereference ${unprivileged.uid}:${unprivileged.gid} ${rootfs}`)
    const changes = session.directory('changes')
    session.shellSync(`chmod 777 ${changes}`)
    const change = ['--', 'sh', '-c', 'echo new > /made && rm /etc/group && cat /made']
    const inMemory = await sandbox(session, ['--rootfs', rootfs, '--overlay', 'memory', ...change])
    t.deepEqual([inMemory.stdout, inMemory.stderr], ['new\n', ''])
    const kept = ['--rootfs', rootfs, '--overlay', changes]
    t.is((await sandbox(session, [...kept, ...change])).stdout, 'new\n')
    t.is((await sandbox(session, [...kept, '--', 'sh', '-c', 'cat /made; ls /etc'])).stdout, 'new\npasswd\n')
    t.is(readFileSync(`${changes}/upper/made`, 'utf8'), 'new\n')
    t.false(existsSync(`${rootfs}/made`))
    t.regex(
      (await sandbox(session, ['--overlay', 'memory', '--', 'true'])).stderr,
      /--overlay is for a root of its own/,
    )
    rmSync(`${changes}/work`, { recursive: true })
    rmSync(`${changes}/upper`, { recursive: true })
  })

  behaviour(`sandbox of ${who} hands standard input over`, options, async (t, session) => {
    t.is((await sandbox(session, ['--', 'cat'], { input: 'words\n' })).stdout, 'words\n')
  })

  behaviour(
    `sandbox of ${who}: a missing program, a missing command, bad limits are errors`,
    options,
    async (t, session) => {
      for (const argv of [
        ['--', 'no-such-program'],
        [],
        ['--'],
        ['--memory', 'much', '--', 'true'],
        ['--pids', 'x', '--', 'true'],
        ['--cpus', '-1', '--', 'true'],
      ]) {
        const { code, stdout, stderr } = await sandbox(session, argv)
        t.is(stdout, '')
        t.true(code === 1, `${argv.join(' ')}: ${code}`)
        t.not(stderr, '')
        t.is(stderr.trimEnd().split('\n').length, 1, stderr)
      }
    },
  )

  behaviour(
    `sandbox of ${who} leaves no terminal, descriptor or process of its caller within reach`,
    options,
    async (t, session) => {
      const command = session.commandLine(
        [
          'sandbox',
          '--',
          'sh',
          '-c',
          'for fd in /proc/1/fd/* /proc/self/fd/*; do readlink $fd; done; ps ax 2>/dev/null | grep -c sleep',
        ],
        as(session),
      )
      const { stdout } = await session.start(['bash', '-ec', 'exec 5</ 9</etc; exec "$@"', 'bash', ...command], {
        env: { ...session.runtime.env, ...as(session).env },
      }).finished
      t.notRegex(stdout, /^\/(etc)?$/m)
    },
  )

  behaviour(`sandbox of ${who} ends with all its processes`, options, async (t, session) => {
    t.is((await sandbox(session, ['--', 'sh', '-c', 'sleep 61 & (setsid sleep 62 &) ; exit 3'])).code, 3)
  })
}

behaviour(
  'sandbox of root: what is mounted somewhere on this machine is read-only too',
  { runtimes: ours },
  async (t, session) => {
    session.through = [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      'mount -t tmpfs tmpfs /srv; exec "$@"',
      'sh',
    ]
    const { stdout } = await session.run(
      ['sandbox', '--', 'sh', '-c', 'touch /srv/new 2>/dev/null && echo written; echo done'],
      { cwd: '/' },
    )
    t.is(stdout, 'done\n')
  },
)

behaviour(
  "sandbox of root: --network joins a container's, or what a file refers to",
  { runtimes: ours },
  async (t, session) => {
    session.bundle({ args: ['sleep', '60'] })
    const id = session.id()
    await session.ok(['create', id])
    const { pid } = await session.state()
    const network = `${readlinkSync(`/proc/${pid}/ns/net`)}\n`
    const look = async (which: string) =>
      (await session.run(['sandbox', '--network', which, '--', 'readlink', '/proc/self/ns/net'], { cwd: '/' })).stdout
    t.is(await look(`container:${id}`), network)
    t.is(await look(`ns:/proc/${pid}/ns/net`), network)
    t.not(await look('none'), network)
    t.regex((await session.run(['sandbox', '--network', `container:${id}x`, '--', 'true'])).stderr, /does not exist/)
    await session.ok(['delete', '--force', id])
  },
)

behaviour('sandbox of root: --memory, --pids and --cpus limit', { runtimes: ours }, async (t, session) => {
  const { code, stderr } = await session.run(
    [
      'sandbox',
      '--memory',
      '64m',
      '--pids',
      '17',
      '--cpus',
      '0.5',
      '--',
      'sh',
      '-c',
      'sleep 60 & for i in $(seq 30); do sleep 60 & done',
    ],
    { cwd: '/' },
  )
  t.not(code, 0)
  t.regex(stderr, /fork|Resource temporarily unavailable/)
  // dd asks for a buffer of that size.
  const dd = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1']
  t.is((await session.run(['sandbox', '--memory', '16m', '--', ...dd], { cwd: '/' })).code, 137)
  t.is((await session.run(['sandbox', '--memory', '256m', '--', ...dd], { cwd: '/' })).code, 0)
  const cpu = await session.run(
    ['sandbox', '--cpus', '0.5', '--', 'sh', '-c', 'timeout 1 sh -c "while :; do :; done"; times'],
    { cwd: '/' },
  )
  // `times` prints what the children took as the second line: minutes, seconds.
  t.true(Number(/^\S+ \S+\n0m([\d.]+)s/.exec(cpu.stdout)?.[1]) < 0.75, cpu.stdout)
})

behaviour(
  "sandbox of an unprivileged user: a limit that can't be had is an error",
  { runtimes: ours, unprivileged: true },
  async (t, session) => {
    const as = callers.at(-1)?.[2] ?? (() => ({}))
    for (const limit of [
      ['--memory', '64m'],
      ['--pids', '17'],
      ['--cpus', '0.5'],
    ]) {
      const { code, stdout, message } = await session.run(['sandbox', ...limit, '--', 'echo', 'ran'], {
        ...as(session),
        cwd: '/',
      })
      t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, limit.join(' '))
      t.regex(message, /cgroup|limit|memory|pids|cpu/)
    }
  },
)
