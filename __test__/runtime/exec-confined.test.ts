/** What confines a container confines the processes that exec starts in it: cgroup, freezer, seccomp, user namespace. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { markedCgroups } from '../harness/machine.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import { rootless, type Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'
import { noUserNamespaces, unprivileged } from '../harness/user.js'

/** The path of a container's init in its cgroup v2 hierarchy, and where that directory is for us. */
async function cgroup2(session: Session): Promise<{ path: string; directory: string }> {
  const { pid } = await session.state()
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
  return { path, directory: `/sys/fs/cgroup/unified${path}` }
}

const own = ['sh', '-c', 'sed -n s/^0:://p /proc/self/cgroup']

for (const view of ['v1', 'v2'] as const) {
  const on = { view, runtimes: everyone.filter((name) => view === 'v2' || name !== 'crun') }

  behaviour(`on ${view} exec joins all of the container's cgroups`, on, async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const { pid } = await session.state()
      t.is(await session.ok(['exec', id, 'cat', '/proc/self/cgroup']), readFileSync(`/proc/${pid}/cgroup`, 'utf8'))
    })
  })

  behaviour(`on ${view} exec in a paused container is refused`, on, async (t, session) => {
    await inContainer(session, {}, async (id) => {
      await session.ok(['pause', id])
      const { code, message } = await session.run(['exec', id, 'true'])
      t.not(code, 0)
      t.regex(message, /paused/)
      if (session.runtime.name !== 'crun')
        t.regex(message, /^.*cannot exec in a paused container \(use --ignore-paused to override\)/)
    })
  })

  behaviour(`on ${view} exec --ignore-paused waits for the container to be resumed`, { view }, async (t, session) => {
    await inContainer(session, {}, async (id) => {
      await session.ok(['pause', id])
      const exec = session.spawn(['exec', '--ignore-paused', id, 'echo', 'resumed'])
      const { pid } = await session.state()
      const frozen =
        markedCgroups(session.mark).find((path) => path.includes(view === 'v1' ? '/freezer/' : '/unified/')) ?? ''
      await until(
        'the process is in the cgroup',
        () => readFileSync(`${frozen}/cgroup.procs`, 'utf8').trim().split('\n').length > 1,
      )
      t.is(exec.stdout(), '')
      t.true(pid > 0)
      await session.ok(['resume', id])
      t.like(await exec.finished, { code: 0, stdout: 'resumed\n' })
    })
  })
}

behaviour(
  'exec --cgroup runs the process below the cgroup of the container',
  { view: 'v2', runtimes: likeRunc },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const { path, directory } = await cgroup2(session)
      mkdirSync(`${directory}/sub`)
      t.is(await session.ok(['exec', '--cgroup', 'sub', id, ...own]), `${path}/sub\n`)
      t.is(await session.ok(['exec', '--cgroup', '/sub', id, ...own]), `${path}/sub\n`)
      t.is(await session.ok(['exec', '--cgroup', '/', id, ...own]), `${path}\n`)
    })
  },
)

behaviour('exec --cgroup on v1 names controllers', { view: 'v1', runtimes: likeRunc }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const { pid } = await session.state()
    const path = /:pids:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
    mkdirSync(`/sys/fs/cgroup/pids${path}/sub`)
    const script = 'sed -n -e s/^.*:pids://p /proc/self/cgroup; sed -n -e s/^.*:freezer://p /proc/self/cgroup'
    const [pids, freezer] = (await session.ok(['exec', '--cgroup', 'pids:sub', id, 'sh', '-c', script])).split('\n')
    t.is(pids, `${path}/sub`)
    t.false(freezer?.endsWith('/sub'))
  })
})

behaviour('exec --cgroup leads nowhere but below', { view: 'v2', runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const { path } = await cgroup2(session)
    mkdirSync(`/sys/fs/cgroup/unified${path}2`)
    try {
      for (const wrong of ['..', '../..', `../${id}2`, 'sub/../..', '2', 'missing', 'nosuch:/', 'cgroup.procs']) {
        const { code, message } = await session.run(['exec', '--cgroup', wrong, id, 'true'])
        t.is(code, 255, wrong)
        t.regex(message, /cgroup/, wrong)
      }
      t.is(readFileSync(`/sys/fs/cgroup/unified${path}2/cgroup.procs`, 'utf8'), '')
    } finally {
      rmdirSync(`/sys/fs/cgroup/unified${path}2`)
    }
  })
})

behaviour(
  'exec goes where init is when the cgroup of the container can have no processes of its own',
  { view: 'v2', runtimes: ours },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const { path, directory } = await cgroup2(session)
      const { pid } = await session.state()
      mkdirSync(`${directory}/init`)
      writeFileSync(`${directory}/init/cgroup.procs`, String(pid))
      writeFileSync('/sys/fs/cgroup/unified/cgroup.subtree_control', '+hugetlb')
      writeFileSync(`${directory}/cgroup.subtree_control`, '+hugetlb')
      t.is(await session.ok(['exec', id, ...own]), `${path}/init\n`)
      t.is((await session.run(['exec', '--cgroup', '/', id, 'true'])).code, 255, 'there, and nowhere else')
    })
  },
)

behaviour('the seccomp filter of the container is that of exec', { runtimes: everyone }, async (t, session) => {
  for (const noNewPrivileges of [true, false]) {
    const edit = (spec: Spec): void => {
      spec.process.noNewPrivileges = noNewPrivileges
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }]
      spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
    }
    await inContainer(session, { edit }, async (id) => {
      const { stderr } = await session.run(['exec', id, 'mkdir', '/tmp/made'])
      t.regex(stderr, /No space left on device/)
      t.regex(await session.ok(['exec', id, 'cat', '/proc/self/status']), /^Seccomp:\t2$/m)
      const caps = /^CapEff:\t0*([0-9a-f]+)$/m.exec(await session.ok(['exec', id, 'cat', '/proc/self/status']))?.[1]
      t.is(caps, '20000420', 'CAP_SYS_ADMIN, which may be needed to load it, is gone')
    })
  }
})

behaviour(
  'exec without the filter that the container was made with is an error',
  { runtimes: ours },
  async (t, session) => {
    const edit = (spec: Spec): void => {
      spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' }
    }
    await inContainer(session, { edit }, async (id) => {
      session.shellSync(`rm ${session.root}/${id}/seccomp.filter`)
      const { code, message } = await session.run(['exec', id, 'true'])
      t.is(code, 255)
      t.regex(message, /seccomp\.filter/)
    })
  },
)

behaviour(
  'exec in a user namespace: the ids are those of the container',
  { runtimes: likeRunc },
  async (t, session) => {
    const edit = (spec: Spec): void => {
      spec.linux.namespaces.push({ type: 'user' })
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }]
      spec.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 1000 }]
    }
    const rootfs = (path: string): void => void session.shellSync(`chown -R 100000:200000 ${path}`, '/')
    await inContainer(session, { edit, rootfs }, async (id) => {
      const script = 'id -u; id -g; cat /proc/self/uid_map; readlink /proc/self/ns/user'
      const { pid } = await session.state()
      const namespace = session.shellSync(`readlink /proc/${pid}/ns/user`)
      const lines = (await session.ok(['exec', id, 'sh', '-c', script])).split('\n')
      t.deepEqual([lines[0], lines[1], lines[3]], ['0', '0', namespace.trim()])
      const pidFile = session.path('pid')
      await session.ok(['exec', '-d', '--user', '7:8', '--pid-file', pidFile, id, 'sleep', '600'])
      const status = readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/status`, 'utf8')
      t.regex(status, /^Uid:\t100007\t/m)
      t.regex(status, /^Gid:\t200008\t/m)
      const unmapped = await session.run(['exec', '--user', '1000', id, 'true'])
      t.not(unmapped.code, 0)
    })
  },
)

behaviour(
  'an unprivileged user runs exec in their container',
  { runtimes: likeRunc, unprivileged: true, unless: noUserNamespaces },
  async (t, session) => {
    session.openToEveryone()
    session.bundle({ args: ['sleep', '600'], edit: (spec) => rootless(spec, unprivileged.uid, unprivileged.gid) })
    const root = session.directory('own-state')
    session.stateRoots.push(root)
    if (unprivileged.through.length > 0) session.shellSync(`chown -R ${unprivileged.uid}:${unprivileged.gid} . ${root}`)
    const user = { global: ['--root', root], through: unprivileged.through }
    await session.ok(['run', '--detach', session.id()], user)
    const result = await session.run(
      ['exec', session.id(), 'sh', '-c', 'id -u; hostname; echo $$ >/dev/null; exit 4'],
      user,
    )
    t.like(result, { code: 4, stdout: '0\ntest\n' })
    await session.ok(['delete', '--force', session.id()], user)
  },
)

behaviour('exec in a container that shares namespaces of the host', { runtimes: everyone }, async (t, session) => {
  const edit = (spec: Spec): void => {
    spec.linux.namespaces = [{ type: 'mount' }]
    delete spec.hostname
    spec.mounts = spec.mounts.filter(({ type }) => type !== 'sysfs' && type !== 'mqueue')
  }
  await inContainer(session, { edit }, async (id) => {
    const name = session.shellSync('hostname')
    t.is(await session.ok(['exec', id, 'hostname']), name)
    const pidFile = session.path('pid')
    await session.ok(['exec', '-d', '--pid-file', pidFile, id, 'sleep', '600'])
    t.regex(readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/status`, 'utf8'), /^NSpid:\t\d+$/m)
  })
})

behaviour('many execs at a time into one container, and none is lost', { runtimes: ours }, async (t, session) => {
  await inContainer(session, {}, async (id) => {
    const worker = async (number: number): Promise<void> => {
      for (let round = 0; round < 4; round += 1) {
        const code = (number * 4 + round) % 200
        const result = await session.run(['exec', id, 'sh', '-c', `echo ${number}; exit ${code}`])
        t.like(result, { code, stdout: `${number}\n`, stderr: '' })
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, number) => worker(number)))
    // Init, and the shell that asks.
    t.is((await session.ok(['exec', id, 'sh', '-c', 'cd /proc; echo [0-9]*'])).split(' ').length, 2)
  })
})
