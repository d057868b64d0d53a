/** `linux.netDevices`: interfaces of the host that become the container's. */
import { spawnSync } from 'node:child_process'
import { type BehaviourOptions, behaviour } from '../harness/behaviour.js'
import { ours, which } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'

const noVeth =
  which('ip') === undefined
    ? 'iproute2 is not installed'
    : spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'type', 'veth']).status === 0
      ? undefined
      : 'this kernel makes no veth interfaces here'

const options: BehaviourOptions = { runtimes: ours, unless: noVeth }

/** Runs the runtime in a network namespace of its own, with these interfaces: it is the host. */
function host(session: Session, script: string): void {
  session.through = ['unshare', '--net', 'sh', '-ec', `${script}; exec "$@"`, 'sh']
}

const pair = 'ip link add out0 mtu 1400 type veth peer name out1'

const devices =
  (netDevices: Record<string, { name?: string }>) =>
  (spec: Spec): void => {
    spec.linux.netDevices = netDevices
  }

behaviour(
  'an interface moves into the container with its permanent addresses, and is up',
  options,
  async (t, session) => {
    host(
      session,
      `${pair}; ip addr add 192.0.2.5/24 broadcast 192.0.2.255 dev out0; ip addr add 192.0.2.6/32 dev out0
     ip addr add 2001:db8::5/64 dev out0 nodad; ip addr add 192.0.2.7/24 valid_lft 100 preferred_lft 100 dev out0
     ip addr add 169.254.3.4/16 scope link dev out0; ip link set out0 up; ip link set out1 up`,
    )
    const output = await session.outputOf(['ip', 'addr'], devices({ out0: {} }))
    t.regex(output, /: out0@if\d+: <[^>]*\bUP\b[^>]*> mtu 1400 /)
    for (const kept of ['inet 192.0.2.5/24 brd 192.0.2.255 scope global out0', 'inet 192.0.2.6/32 scope global out0'])
      t.true(output.includes(kept), output)
    t.regex(output, /inet6 2001:db8::5\/64 scope global/)
    for (const lost of ['192.0.2.7', '169.254.3.4', 'out1']) t.false(output.includes(lost), output)
  },
)

behaviour('an interface gets the name that the config says', options, async (t, session) => {
  host(session, pair)
  const output = await session.outputOf(['ip', 'link'], devices({ out0: { name: 'in' }, out1: { name: 'eth%d' } }))
  t.regex(output, /: in@/)
  t.regex(output, /: eth0@/)
  t.notRegex(output, /out[01]/)
})

behaviour('%d is the first free number', options, async (t, session) => {
  host(session, `${pair}; ip link add more0 type veth peer name more1`)
  const output = await session.outputOf(
    ['ip', 'link'],
    devices({ out0: { name: 'eth1' }, out1: { name: 'eth%d' }, more0: { name: 'eth%d' }, more1: { name: 'lo%d' } }),
  )
  for (const name of ['eth0', 'eth1', 'eth2', 'lo0']) t.true(output.includes(`: ${name}@`), output)
})

behaviour('the host has it no more, nor does it come back', options, async (t, session) => {
  host(session, pair)
  session.bundle({ args: ['sleep', '60'], edit: devices({ out0: {} }) })
  const script = `"$@" create ${session.id()}; ip link; "$@" delete --force ${session.id()}; echo deleted; ip link`
  const [through, command] = [session.through, session.commandLine([], { through: [] })]
  const { code, stdout, stderr } = await session.start([...through, 'sh', '-ec', script, 'sh', ...command], {
    env: session.runtime.env,
  }).finished
  t.is(code, 0, stderr)
  const [before = '', after = ''] = stdout.split('deleted\n')
  t.regex(before, /: out1@/)
  t.notRegex(before, /: out0/)
  t.notRegex(after, /: out0/)
})

behaviour(
  'an interface moves into a namespace that is joined, and in a user namespace',
  options,
  async (t, session) => {
    host(session, `${pair}; mount -t tmpfs none /run; ip netns add pod`)
    session.through = ['unshare', '--mount', '--propagation', 'private', ...session.through]
    const output = await session.outputOf(['ip', 'link'], (spec) => {
      devices({ out0: { name: 'pod%d' } })(spec)
      spec.linux.namespaces = spec.linux.namespaces.map((one) =>
        one.type === 'network' ? { type: 'network', path: '/run/netns/pod' } : one,
      )
    })
    t.regex(output, /: pod0@/)

    host(session, pair)
    session.bundle({
      args: ['ip', 'link'],
      edit: (spec) => {
        devices({ out0: {} })(spec)
        spec.linux.namespaces.push({ type: 'user' })
        const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
        Object.assign(spec.linux, { uidMappings: mappings, gidMappings: mappings })
      },
    })
    session.shellSync('chown -R 100000:100000 rootfs')
    t.regex(await session.ok(['run', session.id()]), /: out0@.*\bUP\b/)
  },
)

for (const [title, netDevices, message] of [
  ['an interface that is not there', { nosuch0: {} }, /linux\.netDevices nosuch0: no such device/i],
  ['a name that is taken', { out0: { name: 'lo' } }, /linux\.netDevices out0 to lo: file exists/i],
  ['a name that is none', { out0: { name: 'a/b' } }, /linux\.netDevices\["out0"\]\.name/],
  ['a template of another kind', { out0: { name: 'eth%s' } }, /linux\.netDevices\["out0"\]\.name/],
] as const) {
  behaviour(`${title} is an error, and the interface stays`, options, async (t, session) => {
    host(session, pair)
    session.bundle({ edit: devices(netDevices) })
    const [through, command] = [session.through, session.commandLine(['run', session.id()], { through: [] })]
    const { stdout, message: text } = await session.start(
      [...through, 'sh', '-c', '"$@"; echo $?; ip link', 'sh', ...command],
      { env: session.runtime.env },
    ).finished
    t.regex(stdout, /^1\n[\s\S]*: out0@/)
    t.regex(text, message)
  })
}

behaviour('an interface needs a network namespace to go to', { runtimes: ours }, async (t, session) => {
  session.bundle({
    edit: (spec) => {
      devices({ lo: {} })(spec)
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'network')
    },
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /linux\.netDevices: needs a network namespace/)
})
