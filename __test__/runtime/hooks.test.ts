/** The hooks of config.json: when and where each runs, what it is given. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Hook, Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

const moments = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Moment = (typeof moments)[number]
/** Those that see the host's files. */
const onHost = moments.filter((moment) => moment !== 'startContainer')

/** A hook that is a shell script. */
function script(text: string, rest: Partial<Hook> = {}): Hook {
  return { path: '/bin/sh', args: ['sh', '-c', text], env: ['PATH=/bin:/usr/bin'], ...rest }
}

/** A script at each moment, which gets the moment's name as $0 and has its output in a file of that name. */
function everywhere(session: Session, text: string): Record<Moment, Hook[]> {
  const log = session.directory('log')
  const hook = (moment: Moment) => {
    const into = moment === 'startContainer' ? `/log/${moment}` : `${log}/${moment}`
    return [{ ...script(''), args: ['sh', '-c', `{ ${text}; } >>${into} 2>&1`, moment] }]
  }
  return {
    prestart: hook('prestart'),
    createRuntime: hook('createRuntime'),
    createContainer: hook('createContainer'),
    startContainer: hook('startContainer'),
    poststart: hook('poststart'),
    poststop: hook('poststop'),
  }
}

/** What the hooks of {@link everywhere} have written. */
function logs(session: Session): Partial<Record<Moment, string>> {
  const read = (moment: Moment) => {
    const file = `${session.dir}/log/${moment}`
    return existsSync(file) ? [[moment, readFileSync(file, 'utf8')]] : []
  }
  return Object.fromEntries(moments.flatMap(read))
}

/** Lets the container write where the hooks do. */
function shareLog(session: Session, spec: Spec): void {
  spec.mounts.push({ destination: '/log', type: 'bind', source: session.directory('log'), options: ['rbind'] })
}

behaviour(
  'all six kinds of hooks run in their order, each at its moment',
  { failing: { runc: 'it runs poststart hooks in create' } },
  async (t, session) => {
    const log = session.directory('log')
    const mark = (word: string, file = `${log}/order`) => script(`cat >/dev/null; echo ${word} >>${file}`)
    session.bundle({
      args: ['sh', '-c', 'echo program >>/log/order; sleep 60'],
      edit: (spec) => {
        shareLog(session, spec)
        spec.hooks = {
          poststop: [mark('poststop')],
          poststart: [mark('poststart')],
          startContainer: [mark('startContainer', '/log/order')],
          createContainer: [mark('createContainer')],
          createRuntime: [mark('createRuntime 1'), mark('createRuntime 2')],
          prestart: [mark('prestart')],
        }
      },
    })
    const order = () => readFileSync(`${log}/order`, 'utf8').trim().split('\n')
    const created = ['prestart', 'createRuntime 1', 'createRuntime 2', 'createContainer']
    await session.ok(['create', session.id()])
    t.deepEqual(order(), created)
    await session.ok(['start', session.id()])
    // The program runs beside the last of them.
    const started = order().filter((word) => word !== 'program')
    t.deepEqual(started, [...created, 'startContainer', 'poststart'])
    await until('the program has written', () => order().includes('program'))
    await session.ok(['delete', '--force', session.id()])
    t.is(order().at(-1), 'poststop')
    t.is(order().indexOf('program') > order().indexOf('startContainer'), true)
  },
)

behaviour('run in the foreground runs the same hooks', { runtimes: everyone }, async (t, session) => {
  session.bundle({
    edit: (spec) => {
      spec.hooks = everywhere(session, 'cat >/dev/null; echo here')
      shareLog(session, spec)
    },
  })
  await session.ok(['run', session.id()])
  t.deepEqual(logs(session), Object.fromEntries(moments.map((moment) => [moment, 'here\n'])))
})

behaviour('hooks run in the namespaces and directories that are theirs', { runtimes: ours }, async (t, session) => {
  const look = 'for n in mnt net pid uts; do readlink /proc/self/ns/$n; done; pwd; cat /proc/self/mountinfo | wc -l'
  const namespaces = (text = '') => text.split('\n').slice(0, 4)
  const bundle = session.bundle({
    args: ['sh', '-c', `{ ${look}; } >/log/program; sleep 60`],
    edit: (spec) => {
      spec.hooks = everywhere(session, look)
      shareLog(session, spec)
      spec.process.cwd = '/tmp'
    },
  })
  await session.ok(['create', session.id()])
  await session.ok(['start', session.id()])
  await session.reaches('running')
  await session.ok(['delete', '--force', session.id()])
  const written = logs(session)
  const host = namespaces(session.shellSync(look))
  const container = namespaces(written.startContainer)
  for (const moment of ['prestart', 'createRuntime', 'poststart', 'poststop'] as const)
    t.deepEqual([...namespaces(written[moment]), written[moment]?.split('\n')[4]], [...host, bundle], moment)
  t.deepEqual(namespaces(written.createContainer), container)
  t.is(written.createContainer?.split('\n')[4], `${bundle}/rootfs`)
  t.is(written.startContainer?.split('\n')[4], '/tmp')
  for (const [index, name] of container.entries()) t.not(name, host[index])
  // The host's mounts are there until the root is entered, and not a moment longer.
  const mounts = (text = '') => Number(text.split('\n')[5])
  t.true(mounts(written.createContainer) > mounts(written.startContainer))
})

behaviour(
  'hooks of a container that is being created find its mounts below the root path of the config',
  { runtimes: everyone },
  async (t, session) => {
    // What nvidia's hooks and many others work on.
    const bundle = session.bundle({
      edit: (spec) => {
        spec.hooks = everywhere(session, 'true')
        const find = `ls $(sed 's/.*"bundle": *"\\([^"]*\\)".*/\\1/')/rootfs/proc | grep -c cpuinfo`
        for (const moment of ['prestart', 'createRuntime', 'createContainer'] as const) {
          const log = `${session.dir}/log/${moment}`
          const inNamespace = moment === 'createContainer' ? '' : 'nsenter --mount=/proc/$pid/ns/mnt '
          spec.hooks[moment] = [
            script(
              `state=$(cat); pid=$(echo "$state" | sed 's/.*"pid": *\\([0-9]*\\).*/\\1/'); ` +
                `echo "$state" | ${inNamespace}sh -c ${JSON.stringify(find).replaceAll('$', '\\$')} >${log} 2>&1`,
            ),
          ]
        }
        delete spec.hooks.startContainer
      },
    })
    await session.ok(['run', session.id()])
    const { prestart, createRuntime, createContainer } = logs(session)
    t.deepEqual([prestart, createRuntime, createContainer], ['1\n', '1\n', '1\n'], bundle)
  },
)

behaviour('each hook gets the state of its moment on standard input', { runtimes: likeRunc }, async (t, session) => {
  const bundle = session.bundle({
    args: ['sleep', '60'],
    edit: (spec) => {
      spec.hooks = everywhere(session, 'cat; echo')
      shareLog(session, spec)
      spec.annotations = { 'org.example.mark': 'a "quoted" one\n' }
    },
  })
  await session.ok(['create', session.id()])
  const { pid } = await session.state()
  await session.ok(['start', session.id()])
  await session.ok(['delete', '--force', session.id()])
  const states = Object.fromEntries(Object.entries(logs(session)).map(([name, text]) => [name, JSON.parse(text)]))
  const common = { id: session.id(), bundle, annotations: { 'org.example.mark': 'a "quoted" one\n' } }
  // In the container's namespaces the pid is the one seen there (runtime.md, "State").
  const expected: Record<Moment, object> = {
    prestart: { status: 'creating', pid },
    createRuntime: { status: 'creating', pid },
    createContainer: { status: 'creating', pid: 1 },
    startContainer: { status: 'created', pid: 1 },
    poststart: { status: session.runtime.name === 'runc' ? 'created' : 'running', pid },
    poststop: { status: 'stopped' },
  }
  for (const moment of moments) {
    t.like(states[moment], { ...common, ...expected[moment] }, moment)
    t.regex(states[moment].ociVersion, /^1\.\d+\.\d+/)
  }
  t.false('pid' in states.poststop)
})

behaviour('a hook has exactly the arguments and environment of the config', { runtimes: ours }, async (t, session) => {
  session.bundle({
    edit: (spec) => {
      const log = session.directory('log')
      const show = (moment: string, env?: string[]): Hook => ({
        path: '/bin/sh',
        args: [
          'zero',
          '-c',
          `tr '\\0' '\\n' </proc/self/environ >${log}/${moment}; echo "$0 $*" >>${log}/${moment}`,
          'a b',
          'c',
        ],
        ...(env && { env }),
      })
      // No secret of the container's and no loader variable of an image gets to a hook (CVE-2025-23266).
      spec.process.env.push('LD_PRELOAD=/evil.so', 'BASH_ENV=/evil')
      spec.hooks = Object.fromEntries(
        onHost.map((moment) => [moment, [show(`${moment}-none`), show(moment, ['B=2', 'A=1'])]]),
      )
    },
  })
  await session.ok(['run', session.id()], { env: { GANTRY_SECRET: 'x' } })
  for (const moment of onHost) {
    const read = (name: string) => readFileSync(`${session.dir}/log/${name}`, 'utf8')
    t.is(read(moment), 'B=2\nA=1\na b c\n', moment)
    t.is(read(`${moment}-none`), 'a b c\n', moment)
  }
})

behaviour('a hook without arguments gets its own path as the first', { runtimes: ours }, async (t, session) => {
  const program = session.file('hook', `#!/bin/sh\necho "$0" >${session.path('called')}\n`)
  session.shellSync(`chmod +x ${program}`)
  session.bundle({ edit: (spec) => (spec.hooks = { createRuntime: [{ path: program }] }) })
  await session.ok(['run', session.id()])
  t.is(readFileSync(session.path('called'), 'utf8'), `${program}\n`)
})

behaviour(
  'a hook starts with three descriptors, no signal blocked, ignored or left from us, and in a session of its own',
  { runtimes: ours },
  async (t, session) => {
    session.bundle({
      edit: (spec) => {
        const look =
          "ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status; read -r pid _ _ _ _ session _ </proc/self/stat; echo $pid $session"
        spec.hooks = everywhere(session, look)
        shareLog(session, spec)
      },
    })
    // The caller leaks descriptors, and ignores and blocks signals.
    const [program = '', ...rest] = session.commandLine(['run', '--preserve-fds', '1', session.id()])
    const leaky = [
      'sh',
      '-c',
      'exec 3</ 4</etc 9<$0; trap "" INT HUP TERM; exec "$@"',
      session.canary,
      program,
      ...rest,
    ]
    t.like(await session.start(leaky, { env: session.runtime.env }).finished, { code: 0, stderr: '' })
    for (const [moment, text] of Object.entries(logs(session))) {
      const [signals, ignored, ids = ''] = text.trimEnd().split('\n')
      // One more is the directory that ls reads.
      t.is(signals, '0 1 2 3 SigBlk:\t0000000000000000', moment)
      t.is(ignored, 'SigIgn:\t0000000000000000', moment)
      const [pid, sessionId] = ids.split(' ')
      t.is(sessionId, pid, moment)
    }
    t.is(Object.keys(logs(session)).length, moments.length)
  },
)

behaviour(
  'startContainer hooks have the rights of the process, and no more',
  { runtimes: likeRunc },
  async (t, session) => {
    const look = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status"
    session.bundle({
      args: ['sh', '-c', `${look} >/log/program`],
      edit: (spec) => {
        session.shellSync(`chmod 777 ${session.directory('log')}`, '/')
        shareLog(session, spec)
        spec.process.user = { uid: 1000, gid: 1000, additionalGids: [50] }
        spec.hooks = { startContainer: [script(`${look} >/log/startContainer`)] }
      },
    })
    await session.ok(['run', session.id()])
    t.is(logs(session).startContainer, readFileSync(`${session.dir}/log/program`, 'utf8'))
  },
)

behaviour(
  "libnetwork's hook finds the network namespace by the pid in the state",
  { runtimes: likeRunc },
  async (t, session) => {
    // dockerd's prestart hook opens /proc/PID/ns/net and keeps it bound somewhere.
    const netns = session.file('netns')
    const found = session.path('found')
    session.bundle({
      args: ['sh', '-c', 'readlink /proc/self/ns/net; grep -q 10.9.8.7 /proc/net/fib_trie && echo probe'],
      edit: (spec) => {
        const commands =
          `pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/'); mount --bind /proc/$pid/ns/net ${netns}; ` +
          `nsenter --net=${netns} busybox ip addr add 10.9.8.7/32 dev lo; readlink /proc/$pid/ns/net >${found}`
        spec.hooks = { prestart: [script(commands, { env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] })] }
      },
    })
    const ran = await session.run(['run', session.id()])
    session.shellSync(`umount ${netns}`)
    t.like(ran, { code: 0, stdout: `${readFileSync(found, 'utf8')}probe\n` })
  },
)

behaviour('hooks work in a user namespace', { runtimes: ours }, async (t, session) => {
  session.bundle({
    edit: (spec) => {
      spec.hooks = everywhere(session, 'cat /proc/self/uid_map')
      shareLog(session, spec)
      spec.linux.namespaces.push({ type: 'user' })
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
      session.shellSync(`chmod -R 777 ${session.dir}/log; chmod 755 ${session.dir}`, '/')
    },
    rootfs: (path) => mkdirSync(`${path}/log`),
  })
  await session.ok(['run', session.id()])
  const mapped = (text = '') => text.trim().split(/\s+/).join(' ')
  const host = mapped(readFileSync('/proc/self/uid_map', 'utf8'))
  const inside = '0 100000 65536'
  t.deepEqual(
    moments.map((moment) => mapped(logs(session)[moment])),
    [host, host, inside, inside, host, host],
  )
})

behaviour('processes that a hook leaves behind do not hold anything up', { runtimes: ours }, async (t, session) => {
  const pids = session.path('pids')
  session.bundle({
    edit: (spec) => {
      // The child keeps the hook's standard error open.
      spec.hooks = {
        createRuntime: [script(`sleep 71 & echo $! >>${pids}`)],
        poststop: [script(`sleep 71 & echo $! >>${pids}`)],
      }
    },
  })
  await session.ok(['run', session.id()])
  const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
  t.is(left.length, 2)
  for (const pid of left) {
    t.true(existsSync(`/proc/${pid}`))
    process.kill(pid, 'SIGKILL')
  }
})

behaviour(
  "crun's annotations send what hooks write to files, which are appended to",
  { runtimes: ['gantry', 'node', 'crun'] },
  async (t, session) => {
    const files = { stdout: session.file('out', 'before\n'), stderr: session.path('err') }
    session.bundle({
      edit: (spec) => {
        const say = script('cat >/dev/null; echo "$0 out"; echo err >&2')
        spec.hooks = {
          prestart: [say],
          createContainer: [say],
          startContainer: [say],
          poststart: [say],
          poststop: [say],
        }
        spec.annotations = { 'run.oci.hooks.stdout': files.stdout, 'run.oci.hooks.stderr': files.stderr }
      },
    })
    const ran = await session.run(['run', session.id()])
    t.like(ran, { code: 0, stdout: '', stderr: '' })
    t.is(readFileSync(files.stdout, 'utf8'), `before\n${'sh out\n'.repeat(5)}`)
    t.is(readFileSync(files.stderr, 'utf8'), 'err\n'.repeat(5))
  },
)

behaviour(
  'startContainer hooks run under the seccomp filter of the process',
  { runtimes: likeRunc },
  async (t, session) => {
    // The file of such a hook is the image's: without the filter it could do what the program can't.
    const attempt = 'mkdir /tmp/made && echo made; grep -E "^Seccomp:" /proc/self/status'
    for (const noNewPrivileges of [true, false]) {
      session.bundle({
        args: ['sh', '-c', `{ ${attempt}; } >/log/program 2>&1`],
        edit: (spec) => {
          shareLog(session, spec)
          spec.process.noNewPrivileges = noNewPrivileges
          spec.linux.seccomp = {
            defaultAction: 'SCMP_ACT_ALLOW',
            architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
            syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
          }
          spec.hooks = { startContainer: [script(`{ ${attempt}; } >/log/startContainer 2>&1`)] }
        },
      })
      await session.ok(['run', session.id()])
      const expected = "mkdir: can't create directory '/tmp/made': Operation not supported\nSeccomp:\t2\n"
      t.is(readFileSync(`${session.dir}/log/program`, 'utf8'), expected)
      t.is(logs(session).startContainer, expected)
    }
  },
)

behaviour('a filter need not allow what starting a hook takes', { runtimes: ours }, async (t, session) => {
  const forbidden = [
    'clone',
    'clone3',
    'fork',
    'vfork',
    'pidfd_open',
    'poll',
    'ppoll',
    'waitid',
    'setsid',
    'memfd_create',
  ]
  session.bundle({
    edit: (spec) => {
      shareLog(session, spec)
      spec.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: forbidden, action: 'SCMP_ACT_KILL_PROCESS' }],
      }
      spec.hooks = { startContainer: [{ ...script('echo here >/log/startContainer'), path: '/bin/sh' }] }
    },
  })
  await session.ok(['run', session.id()])
  t.is(logs(session).startContainer, 'here\n')
})

for (const [what, edit, options] of [
  ['with a shared root', (spec: Spec) => (spec.linux.rootfsPropagation = 'shared'), []],
  [
    'with a mount over the root',
    (spec: Spec) =>
      spec.mounts.unshift({ destination: '/', type: 'bind', source: `${spec.root.path}`, options: ['rbind'] }),
    [],
  ],
  ['without pivot_root', () => undefined, ['--no-pivot']],
] as const) {
  behaviour(`a container ${what} may have hooks of its creation`, { runtimes: ours }, async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'cat /proc/self/mountinfo | wc -l; pwd; ls /'],
      edit: (spec) => {
        edit(spec)
        spec.hooks = { createRuntime: [script('true')], createContainer: [script('test -e proc/self')] }
      },
    })
    const withHooks = await session.ok(['run', ...options, session.id()])
    session.shellSync(`sed -i 's/"hooks"/"none"/' config.json`)
    t.is(withHooks, await session.ok(['run', ...options, session.id()]))
  })
}

behaviour(
  'the root that hooks find does not appear among the mounts of the host, however shared those are',
  { runtimes: ours },
  async (t, session) => {
    const seen = session.path('seen')
    session.through = ['unshare', '--mount', '--propagation', 'shared']
    for (const propagation of ['shared', 'slave']) {
      session.bundle({
        edit: (spec) => {
          spec.linux.rootfsPropagation = propagation
          spec.hooks = {
            createRuntime: [script(`grep -c " ${session.cwd}/rootfs" /proc/self/mountinfo >${seen}; true`)],
            createContainer: [script(`grep -c " ${session.cwd}/rootfs" /proc/self/mountinfo >>${seen}; true`)],
          }
        },
      })
      await session.ok(['run', session.id()])
      const [host, container] = readFileSync(seen, 'utf8').trim().split('\n')
      t.is(host, '0', propagation)
      t.true(Number(container) > 3)
    }
  },
)
