/** Namespaces: of all eight kinds new ones, the caller's, and ones joined by path. */
import { readFileSync, readlinkSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { isAlive } from '../harness/machine.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Running, Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

/** The runtime-spec's names, the kernel's below /proc/PID/ns, and unshare(1)'s options. */
const kinds = [
  ['pid', 'pid', ['--pid', '--fork']],
  ['network', 'net', ['--net']],
  ['ipc', 'ipc', ['--ipc']],
  ['uts', 'uts', ['--uts']],
  ['cgroup', 'cgroup', ['--cgroup']],
  ['time', 'time', ['--time', '--fork']],
  ['mount', 'mnt', ['--mount']],
  ['user', 'user', ['--user', '--map-root-user']],
] as const

/** Kernel namespaces of a process by kind. */
const readAll = [
  'sh',
  '-c',
  'cd /proc/self/ns; for n in pid net ipc uts cgroup time mnt user; do echo $n $(readlink $n); done',
]

function parse(output: string): Record<string, string> {
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']),
  )
}

/** Makes `type` the only change to what namespaces the default config has. */
function setNamespace(spec: Spec, type: string, path?: string): void {
  spec.linux.namespaces = [
    ...spec.linux.namespaces.filter((namespace) => namespace.type !== type),
    { type, ...(path && { path }) },
  ]
}

/** Maps the ids of the session's user namespace, and gives it the bundle. */
function mapIds(session: Session): void {
  session.shellSync('chown -R 100000:100000 rootfs')
}

const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]

for (const [type, name] of kinds) {
  // runc knows time namespaces from 1.2 on, crun from 1.8 on differently.
  const runtimes = type === 'time' ? ours : everyone
  behaviour(`a ${type} namespace of the config is a new one`, { runtimes }, async (t, session) => {
    session.bundle({
      args: readAll,
      edit: (spec) => {
        setNamespace(spec, type)
        if (type === 'user') Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
      },
    })
    if (type === 'user') mapIds(session)
    t.not(parse(await session.ok(['run', session.id()]))[name], readlinkSync(`/proc/self/ns/${name}`))
  })
}

for (const [type, name] of kinds) {
  if (type === 'mount' || type === 'user' || type === 'time') continue
  behaviour(
    `without a ${type} namespace in the config the process is in the caller's`,
    { runtimes: everyone },
    async (t, session) => {
      const namespaces = parse(
        await session.outputOf(readAll, (spec) => {
          spec.linux.namespaces = spec.linux.namespaces.filter((namespace) => namespace.type !== type)
          if (type === 'uts') delete spec.hostname
          // A new mqueue or sysfs needs the ipc or network namespace that it shows to be the container's own.
          spec.mounts = spec.mounts.filter(({ type: kind }) => !(type === 'network' && kind === 'sysfs'))
        }),
      )
      t.is(namespaces[name], readlinkSync(`/proc/self/ns/${name}`))
    },
  )
}

for (const [type, name, options] of kinds) {
  // runc 1.1 asks for id mappings even then.
  const runtimes = type === 'time' ? ours : type === 'user' ? [...ours, 'crun' as const] : everyone
  behaviour(`a ${type} namespace with a path is joined`, { runtimes }, async (t, session) => {
    const { pid, holder } = await hold(session, name, options)
    session.bundle({
      args: readAll,
      edit: (spec) => {
        setNamespace(spec, type, `/proc/${pid}/ns/${name}`)
        // In a user namespace of one id only that id can own what is mounted.
        if (type === 'user')
          spec.mounts = spec.mounts.map((mount) => ({
            ...mount,
            options: mount.options?.filter((o) => !o.startsWith('gid=')) ?? [],
          }))
      },
    })
    const expected = readlinkSync(`/proc/${pid}/ns/${name}`)
    t.not(expected, readlinkSync(`/proc/self/ns/${name}`))
    t.is(parse(await session.ok(['run', session.id()]))[name], expected)
    process.kill(pid, 'SIGKILL')
    await holder.finished
  })
}

// runc joins before it makes the user namespace too.
for (const [type, name, options] of kinds) {
  if (type === 'user' || type === 'time' || type === 'mount') continue
  behaviour(
    `a ${type} namespace of this machine's root is joined by a container with a new user namespace`,
    { runtimes: everyone },
    async (t, session) => {
      const { pid, holder } = await hold(session, name, options)
      session.bundle({
        args: ['readlink', `/proc/self/ns/${name}`],
        edit: (spec) => {
          setNamespace(spec, type, `/proc/${pid}/ns/${name}`)
          setNamespace(spec, 'user')
          Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
          if (type === 'uts') delete spec.hostname
          // A new instance shows the namespace, and takes rights over that.
          const shown = { pid: 'proc', network: 'sysfs', ipc: 'mqueue', uts: '', cgroup: '' }[type]
          const bind = ['rbind', 'rro', 'nosuid', 'noexec', 'nodev']
          spec.mounts = spec.mounts.map((mount) =>
            mount.type === shown
              ? { ...mount, type: 'none', source: type === 'ipc' ? '/dev/shm' : mount.destination, options: bind }
              : mount,
          )
        },
      })
      mapIds(session)
      t.is((await session.ok(['run', session.id()])).trim(), readlinkSync(`/proc/${pid}/ns/${name}`))
      process.kill(pid, 'SIGKILL')
      await holder.finished
    },
  )
}

/** Starts a process in a new namespace, and returns its pid. */
async function hold(
  session: Session,
  name: string,
  options: readonly string[],
): Promise<{ pid: number; holder: Running }> {
  const holder = session.start(['unshare', ...options, 'sleep', '60'])
  const host = readlinkSync(`/proc/self/ns/${name}`)
  const pid = await until('the namespace is there', () =>
    [holder.pid, ...children(holder.pid)].find((candidate) => {
      try {
        return (
          readFileSync(`/proc/${candidate}/comm`, 'utf8') === 'sleep\n' &&
          readlinkSync(`/proc/${candidate}/ns/${name}`) !== host
        )
      } catch {
        return false
      }
    }),
  )
  return { pid, holder }
}

function children(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

behaviour('in a new pid namespace the process is 1 and sees no other', { runtimes: everyone }, async (t, session) => {
  t.is(await session.outputOf(['sh', '-c', 'echo $$; cd /proc; echo [0-9]*']), '1\n1\n')
})

behaviour(
  'in a new network namespace there is a loopback device, and it is up',
  { runtimes: everyone },
  async (t, session) => {
    const output = await session.outputOf([
      'sh',
      '-c',
      'ls /sys/class/net; cat /sys/class/net/lo/operstate; ip addr show lo | grep -o "inet 127.0.0.1"; cat /sys/class/net/lo/flags',
    ])
    t.is(output, 'lo\nunknown\ninet 127.0.0.1\n0x9\n')
  },
)

behaviour("the hostname is the config's, and the host keeps its own", { runtimes: everyone }, async (t, session) => {
  const before = readFileSync('/proc/sys/kernel/hostname', 'utf8')
  t.is(await session.outputOf(['hostname'], (spec) => (spec.hostname = 'nest')), 'nest\n')
  t.is(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before)
})

behaviour("the domainname is the config's", { runtimes: ours }, async (t, session) => {
  t.is(await session.outputOf(['cat', '/proc/sys/kernel/domainname'], (spec) => (spec.domainname = 'trees')), 'trees\n')
})

for (const name of ['hostname', 'domainname'] as const) {
  behaviour(
    `a ${name} without a uts namespace is an error`,
    { runtimes: name === 'hostname' ? everyone : ours },
    async (t, session) => {
      session.bundle({
        edit: (spec) => {
          delete spec.hostname
          spec[name] = 'nest'
          spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'uts')
        },
      })
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(message, /uts/i)
    },
  )
}

behaviour('two namespaces of a kind are an error', {}, async (t, session) => {
  session.bundle({ edit: (spec) => spec.linux.namespaces.push({ type: 'ipc' }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /ipc/)
})

behaviour('an unknown kind of namespace is an error', {}, async (t, session) => {
  session.bundle({ edit: (spec) => spec.linux.namespaces.push({ type: 'dream' }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /dream/)
})

for (const [title, path] of [
  ['that is missing', '/no/such/namespace'],
  ['of another kind', '/proc/self/ns/uts'],
  ['that is no namespace', '/dev/null'],
] as const) {
  behaviour(`a path to a namespace ${title} is an error`, {}, async (t, session) => {
    session.bundle({ edit: (spec) => setNamespace(spec, 'ipc', path) })
    t.is((await session.run(['run', session.id()])).code, 1)
  })
}

behaviour("in a user namespace the config's ids are mapped", { runtimes: everyone }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; id -u; echo ready; sleep 60'],
    edit: (spec) => {
      spec.linux.namespaces.push({ type: 'user' })
      Object.assign(spec.linux, {
        uidMappings: mappings,
        gidMappings: [{ containerID: 0, hostID: 200_000, size: 1000 }],
      })
      spec.mounts = spec.mounts.map((mount) => ({
        ...mount,
        options: mount.options?.filter((option) => option !== 'gid=5') ?? [],
      }))
    },
  })
  session.shellSync('chown -R 100000:200000 rootfs')
  const run = session.spawn(['run', '-d', session.id()])
  await run.finished
  await until('it is ready', () => run.stdout().endsWith('ready\n'))
  t.deepEqual(run.stdout().trim().split(/\s+/), ['0', '100000', '65536', '0', '200000', '1000', '0', 'ready'])
  const { pid } = await session.state()
  t.true(isAlive(pid))
  t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t100000\t100000\t100000\t100000\nGid:\t200000\t/m)
  await session.ok(['delete', '--force', session.id()])
})

behaviour('a new user namespace without id mappings is an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => spec.linux.namespaces.push({ type: 'user' }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /uidMappings|id map/i)
})

behaviour('id mappings without a user namespace are an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /uidMappings/)
})

behaviour('a user that no mapping has is an error', {}, async (t, session) => {
  session.bundle({
    edit: (spec) => {
      spec.linux.namespaces.push({ type: 'user' })
      Object.assign(spec.linux, { uidMappings: [{ containerID: 0, hostID: 100_000, size: 10 }], gidMappings: mappings })
      spec.process.user.uid = 10
    },
  })
  mapIds(session)
  t.is((await session.run(['run', session.id()])).code, 1)
})

behaviour("a time namespace has the config's offsets", { runtimes: ours }, async (t, session) => {
  const output = await session.outputOf(['cat', '/proc/self/timens_offsets'], (spec) => {
    spec.linux.namespaces.push({ type: 'time' })
    spec.linux.timeOffsets = { monotonic: { secs: 86_400 }, boottime: { secs: 7, nanosecs: 9 } }
  })
  t.deepEqual(output.trim().split(/\s+/), ['monotonic', '86400', '0', 'boottime', '7', '9'])
})

behaviour('time offsets without a new time namespace are an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.linux.timeOffsets = { monotonic: { secs: 1 } }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /timeOffsets|time namespace/)
})

behaviour(
  "sysctls of the container's own namespaces are set, and the host's stay",
  { runtimes: everyone },
  async (t, session) => {
    const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')
    const output = await session.outputOf(
      ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'],
      (spec) => {
        spec.linux.sysctl = { 'net.ipv4.ip_forward': before.trim() === '1' ? '0' : '1', 'kernel.msgmax': '4242' }
      },
    )
    t.is(output, `${before.trim() === '1' ? '0' : '1'}\n4242\n`)
    t.is(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), before)
  },
)

for (const [key, type] of [
  ['kernel.pid_max', 'none'],
  ['net.ipv4.ip_forward', 'network'],
  ['kernel.msgmax', 'ipc'],
] as const) {
  behaviour(`the sysctl ${key} without its namespace is refused`, {}, async (t, session) => {
    session.bundle({
      edit: (spec) => {
        spec.linux.namespaces = spec.linux.namespaces.filter((namespace) => namespace.type !== type)
        spec.linux.sysctl = { [key]: '4242' }
      },
    })
    const before = readFileSync(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8')
    const { code, message } = await session.run(['run', session.id()])
    t.is(code, 1)
    t.true(message.includes(key))
    t.is(readFileSync(`/proc/sys/${key.replaceAll('.', '/')}`, 'utf8'), before)
  })
}

behaviour('a user namespace can be joined, with the ids that it has', { runtimes: ours }, async (t, session) => {
  const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  session.bundle({
    name: 'holder',
    edit: (spec) => {
      setNamespace(spec, 'user')
      Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
    },
  })
  session.shellSync('chown -R 100000:100000 rootfs')
  await session.ok(['create', session.id('holder')])
  const path = `/proc/${(await session.state(session.id('holder'))).pid}/ns/user`
  for (const [ids, code] of [
    [{}, 0],
    [{ uidMappings: mappings, gidMappings: mappings }, 0],
    [{ uidMappings: mappings, gidMappings: [{ containerID: 0, hostID: 100_001, size: 65_536 }] }, 1],
    [{ uidMappings: [...mappings, { containerID: 70_000, hostID: 1, size: 1 }], gidMappings: mappings }, 1],
    [{ uidMappings: mappings }, 1],
  ] as const) {
    session.bundle({
      args: ['sh', '-c', 'id -u; cat /proc/self/uid_map'],
      edit: (spec) => {
        setNamespace(spec, 'user', path)
        Object.assign(spec.linux, ids)
      },
    })
    session.shellSync('chown -R 100000:100000 rootfs')
    const result = await session.run(['run', session.id()])
    t.is(result.code, code, result.message)
    if (code === 0) t.regex(result.stdout, /^0\n +0 +0 +65536\n$|^0\n +0 +100000 +65536\n$/)
    else t.regex(result.message, /gid_map|uid_map|gidMappings/)
  }
  await session.ok(['delete', '--force', session.id('holder')])
})

behaviour(
  'a pod: network, ipc and uts namespaces that are shared, a pid namespace of its own',
  { runtimes: everyone },
  async (t, session) => {
    // As podman and the CRI have it: the first container holds the namespaces, files refer to them.
    session.bundle({ name: 'pod', args: ['sleep', '60'], edit: (spec) => (spec.hostname = 'the-pod') })
    await session.ok(['create', session.id('pod')])
    const { pid } = await session.state(session.id('pod'))
    const file = session.file('net')
    // The network namespace is bound to a file, as `ip netns` does; only the runtime's view has it.
    session.through = [
      ...['unshare', '--mount', '--propagation', 'private', 'sh', '-ec'],
      `mount --bind /proc/${pid}/ns/net ${file}; exec "$@"`,
      'sh',
    ]
    const output = await session.outputOf(
      ['sh', '-c', 'echo $$; hostname; for n in net ipc uts; do readlink /proc/self/ns/$n; done'],
      (spec) => {
        delete spec.hostname
        setNamespace(spec, 'network', file)
        setNamespace(spec, 'ipc', `/proc/${pid}/ns/ipc`)
        setNamespace(spec, 'uts', `/proc/${pid}/ns/uts`)
      },
    )
    t.is(output, `1\nthe-pod\n${session.shellSync(`for n in net ipc uts; do readlink /proc/${pid}/ns/$n; done`)}`)
    session.through = []
    await session.ok(['delete', '--force', session.id('pod')])
  },
)

behaviour('the files of the root keep their owners in a user namespace', { runtimes: likeRunc }, async (t, session) => {
  // Not on crun 1.8, which gives the host's /dev/null to the container's root.
  // config-linux.md: the runtime should not change the ownership of the root's files.
  const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  session.bundle({
    edit: (spec) => {
      setNamespace(spec, 'user')
      Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
    },
  })
  session.shellSync('chown -R 100000:100000 rootfs; touch rootfs/etc/mine; chown 7:8 rootfs/etc/mine')
  await session.ok(['run', session.id()])
  t.is(
    session.shellSync('stat -c %u:%g rootfs rootfs/etc/mine rootfs/etc/passwd'),
    '100000:100000\n7:8\n100000:100000\n',
  )
})
