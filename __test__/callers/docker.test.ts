/** Docker: a dockerd with the runtime as its default one, and the docker command line. */
import { writeFileSync } from 'node:fs'
import { until } from '../harness/until.js'
import { type Caller, driven, type Kind } from './caller.js'
import { documented } from './documented.js'

const docker: Kind = {
  name: 'docker',
  programs: ['dockerd', 'docker', 'iptables', 'ip'],
  command: ({ dir }) => ['docker', '--host', `unix://${dir}/docker/socket`],

  async start(caller) {
    const { session } = caller
    const home = session.directory('docker')
    writeFileSync(
      `${home}/daemon.json`,
      JSON.stringify({
        ...JSON.parse(documented('Docker', caller.path)),
        'storage-driver': 'vfs',
        'cgroup-parent': `/${session.mark}`,
        'exec-root': `${home}/exec`,
        'data-root': `${home}/data`,
        pidfile: `${home}/pid`,
        hosts: [`unix://${home}/socket`],
      }),
    )
    await caller.startDaemon(['dockerd', '--config-file', `${home}/daemon.json`], ['version'])
    await session.shell(`tar -C ${caller.rootfs()} -c . >${session.path('image.tar')}`)
    await caller.ok(['import', `${session.dir}/image.tar`, 'box'])
  },
}

const run = (caller: Caller, ...argv: string[]): Promise<string> => caller.ok(['run', '--rm', ...argv])

driven(docker, 'run gives output and exit status', async (t, caller) => {
  t.is(await run(caller, 'box', 'echo', 'hello'), 'hello\n')
  t.is((await caller.run(['run', '--rm', 'box', 'sh', '-c', 'exit 3'])).code, 3)
  t.is((await caller.run(['run', '--rm', '--init', 'box', 'sh', '-c', 'kill -9 $$'])).code, 137)
})

driven(docker, 'a program that is missing, or is none, gives the codes that scripts rely on', async (t, caller) => {
  for (const [program, code, text] of [
    ['no-such-program', 127, /executable file not found/],
    ['/no/such/program', 127, /no such file or directory/],
    ['/etc/passwd', 126, /permission denied/],
    ['/etc', 126, /permission denied|is a directory/],
  ] as const) {
    const { code: got, stderr } = await caller.run(['run', '--rm', 'box', program])
    t.is(got, code, program)
    t.regex(stderr, text)
  }
})

driven(docker, "standard input, output and errors are the program's", async (t, caller) => {
  const { stdout, stderr } = await caller.run(['run', '--rm', '-i', 'box', 'sh', '-c', 'cat; echo oops >&2'], {
    input: 'some text',
  })
  t.is(stdout, 'some text')
  t.is(stderr, 'oops\n')
})

driven(docker, 'the default network has an address, --network none has none', async (t, caller) => {
  t.regex(await run(caller, 'box', 'ifconfig', 'eth0'), /inet addr:172\./)
  t.notRegex(await run(caller, '--network', 'none', 'box', 'ifconfig', '-a'), /eth0/)
})

driven(docker, 'user, groups, directory, environment, hostname', async (t, caller) => {
  const options = [
    '--user',
    '1000:1000',
    '--group-add',
    '50',
    '--workdir',
    '/tmp',
    '--env',
    'A=b',
    '--hostname',
    'box1',
  ]
  const output = await run(caller, ...options, 'box', 'sh', '-c', 'id -u; id -G; pwd; echo $A $HOME; hostname')
  t.is(output, '1000\n1000 50\n/tmp\nb /home/mary\nbox1\n')
})

driven(docker, "Docker's seccomp profile is in force, and can be left out", async (t, caller) => {
  t.regex(await run(caller, 'box', 'grep', 'Seccomp:', '/proc/self/status'), /2/)
  t.regex(
    await run(caller, '--security-opt', 'seccomp=unconfined', 'box', 'grep', 'Seccomp:', '/proc/self/status'),
    /0/,
  )
  t.not((await caller.run(['run', '--rm', '--cap-add', 'SYS_TIME', 'box', 'unshare', '-U', 'true'])).code, 0)
})

driven(docker, 'capabilities are added and dropped, no-new-privileges is set', async (t, caller) => {
  const effective = async (...options: string[]): Promise<bigint> =>
    BigInt(`0x${/CapEff:\s*(\w+)/.exec(await run(caller, ...options, 'box', 'cat', '/proc/self/status'))?.[1] ?? '0'}`)
  const usual = await effective()
  t.is((await effective('--cap-add', 'NET_ADMIN')) & ~usual, 1n << 12n)
  t.is(await effective('--cap-drop', 'ALL'), 0n)
  const option = ['--security-opt', 'no-new-privileges']
  t.regex(await run(caller, ...option, 'box', 'grep', 'NoNewPrivs', '/proc/self/status'), /1/)
})

driven(docker, 'limits of memory and pids are those of the cgroup', async (t, caller) => {
  const limits = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'
  t.is(await run(caller, '--memory', '32m', '--pids-limit', '17', 'box', 'sh', '-c', limits), '33554432\n17\n')
})

driven(docker, 'a read-only root, volumes and tmpfs', async (t, caller) => {
  const { session } = caller
  session.directory('volume')
  session.file('volume/file', 'shared')
  const mounts = ['--read-only', '--tmpfs', '/tmp:size=1m', '--volume', `${session.dir}/volume:/volume:ro`]
  const script = 'cat /volume/file; touch /x; touch /volume/x; touch /tmp/x && echo tmp'
  const { stdout, stderr } = await caller.run(['run', '--rm', ...mounts, 'box', 'sh', '-c', script])
  t.is(stdout, 'sharedtmp\n')
  t.is(stderr.match(/Read-only file system/g)?.length, 2)
})

driven(docker, 'a terminal', async (t, caller) => {
  t.is(await run(caller, '--tty', 'box', 'sh', '-c', 'tty; test -c /dev/tty && echo there'), '/dev/pts/0\r\nthere\r\n')
})

driven(docker, '--init reaps and forwards', async (t, caller) => {
  t.regex(await run(caller, '--init', 'box', 'cat', '/proc/1/cmdline'), /docker-init/)
})

driven(
  docker,
  '--privileged sees the machine',
  async (t, caller) => {
    t.is(
      await run(caller, '--privileged', 'box', 'sh', '-c', 'test -b /dev/vda && mount -t tmpfs x /tmp && echo ok'),
      'ok\n',
    )
  },
  { runc: 'it wants all capabilities where the machine lacks some' },
)

driven(docker, "--pid container: and --network container: join another's namespaces", async (t, caller) => {
  const name = caller.name()
  await caller.ok(['run', '--detach', '--name', name, 'box', 'sleep', '100'])
  const joined = ['--pid', `container:${name}`, '--network', `container:${name}`, '--ipc', 'host']
  t.regex(await run(caller, ...joined, 'box', 'cat', '/proc/1/cmdline'), /sleep/)
  await caller.ok(['rm', '--force', name])
})

driven(docker, 'exec, top, stats, update, pause, restart, stop: the life of a service', async (t, caller) => {
  const name = caller.name()
  const state = async (): Promise<string> => (await caller.ok(['inspect', '-f', '{{.State.Status}}', name])).trim()
  const service = 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'
  await caller.ok(['run', '--detach', '--name', name, '--memory', '64m', 'box', 'sh', '-c', service])
  await until('the service is up', async () => (await caller.ok(['logs', name])) === 'up\n')

  t.is(await caller.ok(['exec', name, 'echo', 'inside']), 'inside\n')
  t.is(await caller.ok(['exec', '--tty', name, 'tty']), '/dev/pts/0\r\n')
  t.is(
    await caller.ok([
      'exec',
      '--user',
      '1000',
      '--env',
      'A=b',
      '--workdir',
      '/tmp',
      name,
      'sh',
      '-c',
      'id -u; echo $A; pwd',
    ]),
    '1000\nb\n/tmp\n',
  )
  t.is((await caller.run(['exec', name, 'sh', '-c', 'exit 5'])).code, 5)
  t.is((await caller.run(['exec', name, 'no-such-program'])).code, 126)

  t.regex(await caller.ok(['top', name]), /trap/)
  t.regex(await caller.ok(['stats', '--no-stream', '--format', '{{.MemUsage}}', name]), /\/ 64MiB/)
  await caller.ok([
    'update',
    '--memory',
    '48m',
    '--memory-swap',
    '48m',
    '--cpu-shares',
    '512',
    '--pids-limit',
    '33',
    name,
  ])
  const limits = 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.shares pids/pids.max'
  t.is(await caller.ok(['exec', name, 'sh', '-c', limits]), `${48 << 20}\n512\n33\n`)

  await caller.ok(['pause', name])
  t.is(await state(), 'paused')
  t.not((await caller.run(['exec', name, 'true'])).code, 0)
  await caller.ok(['unpause', name])
  t.is(await state(), 'running')

  await caller.ok(['restart', name])
  t.is(await state(), 'running')
  await caller.ok(['stop', name])
  t.is(await caller.ok(['inspect', '-f', '{{.State.ExitCode}}', name]), '7\n')
  await caller.ok(['start', name])
  await caller.ok(['kill', name])
  await caller.ok(['wait', name])
  t.is(await caller.ok(['inspect', '-f', '{{.State.ExitCode}}', name]), '137\n')
  await caller.ok(['rm', name])
})

driven(docker, 'running out of memory is reported', async (t, caller) => {
  const name = caller.name()
  const { code } = await caller.run([
    'run',
    '--name',
    name,
    '--memory',
    '16m',
    '--memory-swap',
    '16m',
    'box',
    'sh',
    '-c',
    'tail /dev/zero',
  ])
  t.is(code, 137)
  t.is(await caller.ok(['inspect', '-f', '{{.State.OOMKilled}}', name]), 'true\n')
  await caller.ok(['rm', name])
})

driven(docker, 'a health check runs inside', async (t, caller) => {
  const name = caller.name()
  const check = ['--health-cmd', 'test -e /tmp/healthy', '--health-interval', '200ms', '--health-retries', '1']
  await caller.ok(['run', '--detach', '--name', name, ...check, 'box', 'sleep', '100'])
  const reaches = (wanted: string): Promise<true> =>
    until(wanted, async () => (await caller.ok(['inspect', '-f', '{{.State.Health.Status}}', name])) === `${wanted}\n`)
  await reaches('unhealthy')
  await caller.ok(['exec', name, 'touch', '/tmp/healthy'])
  t.true(await reaches('healthy'))
  await caller.ok(['rm', '--force', name])
})

driven(docker, 'a restart policy starts a failed container again', async (t, caller) => {
  const name = caller.name()
  await caller.ok([
    'run',
    '--detach',
    '--name',
    name,
    '--restart',
    'on-failure:2',
    'box',
    'sh',
    '-c',
    'echo try; exit 1',
  ])
  await until('all tries are made', async () => (await caller.ok(['logs', name])) === 'try\ntry\ntry\n', 20_000)
  t.is(await caller.ok(['wait', name]), '1\n')
  await caller.ok(['rm', name])
})

driven(docker, 'build runs its steps in containers', async (t, caller) => {
  const directory = caller.session.directory('build')
  writeFileSync(`${directory}/Dockerfile`, 'FROM box\nRUN echo built >/made && id -u >>/made\nCMD ["cat", "/made"]\n')
  await caller.ok(['build', '--tag', 'made', directory], { env: { DOCKER_BUILDKIT: '0' } })
  t.is(await run(caller, 'made'), 'built\n0\n')
  writeFileSync(`${directory}/Dockerfile`, 'FROM box\nRUN exit 9\n')
  const failed = await caller.run(['build', directory], { env: { DOCKER_BUILDKIT: '0' } })
  t.regex(failed.stderr, /returned a non-zero code: 9/)
})
