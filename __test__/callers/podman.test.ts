/** podman, which has no daemon: conmon(8) stays with each container. */
import { until } from '../harness/until.js'
import { type Caller, driven, type Kind } from './caller.js'
import { environment, prepare } from './podman.js'

const podman: Kind = {
  name: 'podman',
  programs: ['podman', 'conmon', 'catatonit'],
  command: () => ['podman'],
  environment,
  // conmon's, and those of pods.
  ownCgroups: /^(conmon|[0-9a-f]{64})$/,
  start: prepare,
}

const run = (caller: Caller, ...argv: string[]): Promise<string> =>
  caller.ok(['run', '--rm', '--cgroup-parent', `/${caller.session.mark}`, '--network', 'none', ...argv])

driven(podman, 'run gives output and exit status', async (t, caller) => {
  t.is(await run(caller, 'box', 'echo', 'hello'), 'hello\n')
  t.is((await caller.run(['run', '--rm', '--network', 'none', 'box', 'sh', '-c', 'exit 3'])).code, 3)
})

driven(podman, 'a program that is missing, or is none, gives the codes that scripts rely on', async (t, caller) => {
  for (const [program, code, text] of [
    ['no-such-program', 127, /executable file not found/],
    ['/no/such/program', 127, /no such file or directory/],
    ['/etc/passwd', 126, /permission denied/],
  ] as const) {
    const { code: got, stderr } = await caller.run(['run', '--rm', '--network', 'none', 'box', program])
    t.is(got, code, program)
    t.regex(stderr, text)
  }
})

driven(podman, 'an unknown option of the runtime is named', async (t, caller) => {
  const { code, stderr } = await caller.run([
    '--runtime-flag',
    'invalidflag',
    'run',
    '--rm',
    '--network',
    'none',
    'box',
    'true',
  ])
  t.is(code, 126)
  t.regex(stderr, /invalidflag/)
})

driven(podman, 'user, directory, environment, capabilities, limits, a read-only root', async (t, caller) => {
  const options = ['--user', '1000:1000', '--workdir', '/tmp', '--env', 'A=b', '--read-only', '--pids-limit', '17']
  const script = 'id -u; pwd; echo $A; touch /x 2>/dev/null || echo read-only; cat /sys/fs/cgroup/pids/pids.max'
  t.is(await run(caller, ...options, 'box', 'sh', '-c', script), '1000\n/tmp\nb\nread-only\n17\n')
  const status = (...extra: string[]): Promise<string> => run(caller, ...extra, 'box', 'cat', '/proc/self/status')
  t.regex(await status('--cap-drop', 'all'), /CapEff:\s*0+\n/)
  t.regex(await status(), /Seccomp:\s*2\n/)
})

driven(podman, 'exec, top, pause, stop: the life of a service', async (t, caller) => {
  const name = caller.name()
  const service = 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'
  await run(caller, '--detach', '--rm=false', '--name', name, 'box', 'sh', '-c', service)
  const state = (what: string): Promise<string> => caller.ok(['inspect', '-f', `{{.State.${what}}}`, name])
  await until('the service is up', async () => (await caller.ok(['logs', name])) === 'up\n')
  t.is(await caller.ok(['exec', name, 'echo', 'inside']), 'inside\n')
  t.is((await caller.run(['exec', name, 'sh', '-c', 'exit 5'])).code, 5)
  t.is((await caller.run(['exec', name, 'no-such-program'])).code, 127)
  t.is((await caller.run(['exec', '--workdir', '/missing', name, 'true'])).code, 127)
  t.is(await caller.ok(['exec', '--user', '1000', '--env', 'A=b', name, 'sh', '-c', 'id -u; echo $A']), '1000\nb\n')
  t.regex(await caller.ok(['top', name]), /sh/)
  await caller.ok(['pause', name])
  t.is(await state('Status'), 'paused\n')
  await caller.ok(['unpause', name])
  await caller.ok(['stop', name])
  t.is(await state('ExitCode'), '7\n')
  await caller.ok(['rm', name])
})

driven(podman, 'a pod: containers share network, ipc and hostname', async (t, caller) => {
  const pod = caller.name()
  await caller.ok([
    'pod',
    'create',
    '--name',
    pod,
    '--network',
    'none',
    '--share',
    'net,ipc,uts',
    '--cgroup-parent',
    `/${caller.session.mark}`,
  ])
  const links = ['sh', '-c', 'for kind in net ipc uts; do readlink /proc/self/ns/$kind; done']
  const first = await caller.ok(['run', '--rm', '--pod', pod, 'box', ...links])
  t.is(await caller.ok(['run', '--rm', '--pod', pod, 'box', ...links]), first)
  await caller.ok(['pod', 'rm', '--force', pod])
})

driven(podman, 'a user namespace of its own', async (t, caller) => {
  const options = ['--uidmap', '0:100000:1000', '--gidmap', '0:100000:1000']
  t.regex(await run(caller, ...options, 'box', 'cat', '/proc/self/uid_map'), /0\s+100000\s+1000/)
})

driven(podman, 'descriptors are passed on', async (t, caller) => {
  const options = '--rm --network none --preserve-fds 1'
  const script = `${caller.where.join(' ')} podman run ${options} box sh -c 'cat <&3 >/dev/null && echo read' 3</etc/hostname`
  const { stdout } = await caller.session.shell(script, { env: environment(caller.session) })
  t.is(stdout, 'read\n')
})

driven(podman, 'the network of podman has an address', async (t, caller) => {
  t.regex(await caller.ok(['run', '--rm', 'box', 'ifconfig', 'eth0']), /inet addr:10\./)
})
