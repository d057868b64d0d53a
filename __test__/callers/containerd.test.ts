/** containerd through ctr(1): its shim calls us for each step of a task. */
import { writeFileSync } from 'node:fs'
import { until } from '../harness/until.js'
import { type Caller, driven, type Kind } from './caller.js'

const containerd: Kind = {
  name: 'containerd',
  programs: ['containerd', 'ctr'],
  command: ({ dir }) => ['ctr', '--address', `${dir}/containerd/socket`],

  async start(caller) {
    const { session } = caller
    const home = session.directory('containerd')
    writeFileSync(
      `${home}/config.toml`,
      `version = 2
root = "${home}/root"
state = "${home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${home}/socket"
`,
    )
    await caller.startDaemon(['containerd', '--config', `${home}/config.toml`], ['version'])
    caller.rootfs()
  },
}

/** A task on the root file system's directory itself, with us behind the shim. */
function task(caller: Caller, name: string, options: readonly string[], args: readonly string[]): string[] {
  const shim = ['--runc-binary', caller.path, '--cgroup', `/${caller.session.mark}/${name}`, '--env', 'PATH=/bin']
  return ['run', ...shim, ...options, '--rootfs', `${caller.session.dir}/rootfs`, name, ...args]
}

driven(containerd, 'run gives output and exit status', async (t, caller) => {
  t.is(await caller.ok(task(caller, caller.name(), ['--rm'], ['echo', 'hello'])), 'hello\n')
  t.is((await caller.run(task(caller, caller.name(), ['--rm'], ['sh', '-c', 'exit 3']))).code, 3)
})

driven(containerd, 'an error of the runtime reaches the user', async (t, caller) => {
  const { code, stderr } = await caller.run(task(caller, caller.name(), ['--rm'], ['no-such-program']))
  t.is(code, 1)
  t.regex(stderr, /executable file not found/)
})

driven(containerd, 'exec, ps, pause, metrics, kill: the life of a task', async (t, caller) => {
  const name = caller.name()
  await caller.ok(task(caller, name, ['--detach', '--memory-limit', '33554432'], ['sleep', '100']))
  const exec = (...argv: string[]): string[] => ['task', 'exec', '--exec-id', `e${caller.name()}`, name, ...argv]
  t.is(await caller.ok(exec('echo', 'inside')), 'inside\n')
  t.is((await caller.run(exec('sh', '-c', 'exit 5'))).code, 5)
  t.regex((await caller.run(exec('no-such-program'))).stderr, /executable file not found/)
  t.regex(await caller.ok(['task', 'ps', name]), /\d+/)
  await caller.ok(['task', 'pause', name])
  t.regex(await caller.ok(['task', 'ls']), /PAUSED/)
  await caller.ok(['task', 'resume', name])
  t.regex(await caller.ok(['task', 'metrics', name]), /memory\.(usage_in_bytes|usage)/)
  await caller.ok(['task', 'kill', '--signal', 'SIGKILL', name])
  await until('the task has stopped', async () => /STOPPED/.test(await caller.ok(['task', 'ls'])))
  await caller.ok(['task', 'delete', name]).catch(() => undefined)
  await caller.ok(['container', 'delete', name])
})
