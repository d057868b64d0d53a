import test from 'ava'
import { defaultConfig } from '../../src/spec/default.js'
import { parseSpec } from '../../src/spec/parse.js'

const MINIMAL = {
  ociVersion: '1.0.2',
  root: { path: 'rootfs' },
  process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' },
}

/** A namespace that most rules want. */
const MOUNT = { type: 'mount' }

function parse(changes: object): unknown {
  return parseSpec('config.json', JSON.stringify({ ...MINIMAL, ...changes }))
}

function withProcess(changes: object): object {
  return { process: { ...MINIMAL.process, ...changes } }
}

test('the default configurations are valid', (t) => {
  for (const rootless of [undefined, { uid: 1000, gid: 1000 }]) {
    for (const cgroup2 of [false, true]) {
      const text = defaultConfig({ rootless, cgroup2 })
      t.deepEqual(parseSpec('config.json', text), JSON.parse(text))
    }
  }
})

const wrong: readonly { readonly config: object; readonly message: string }[] = [
  { config: { ociVersion: undefined }, message: 'ociVersion: expected a version 1.x.y, found nothing' },
  { config: { ociVersion: '2.0.0' }, message: 'ociVersion: expected a version 1.x.y, found "2.0.0"' },
  { config: { ociVersion: '1.0' }, message: 'ociVersion: expected a version 1.x.y, found "1.0"' },
  { config: { root: undefined }, message: 'root: expected an object, found nothing' },
  { config: { root: { path: '' } }, message: 'root.path: expected a path, found an empty string' },
  { config: { process: undefined }, message: 'process: expected an object, found nothing' },
  { config: withProcess({ args: [] }), message: 'process.args: expected at least one string, found an empty list' },
  { config: withProcess({ args: ['a', 2] }), message: 'process.args[1]: expected a string, found 2' },
  { config: withProcess({ cwd: 'tmp' }), message: 'process.cwd: expected an absolute path, found "tmp"' },
  { config: withProcess({ env: ['A=', 'B'] }), message: 'process.env[1]: expected NAME=value, found "B"' },
  { config: withProcess({ env: ['=x'] }), message: 'process.env[0]: expected NAME=value, found "=x"' },
  {
    config: withProcess({ user: { uid: 4294967295, gid: 0 } }),
    message: 'process.user.uid: expected a whole number from 0 to 4294967294, found 4294967295',
  },
  {
    config: withProcess({ user: { uid: 1.5, gid: 0 } }),
    message: 'process.user.uid: expected a whole number from 0 to 4294967294, found 1.5',
  },
  {
    config: withProcess({ oomScoreAdj: -1001 }),
    message: 'process.oomScoreAdj: expected a whole number from -1000 to 1000, found -1001',
  },
  {
    config: withProcess({ rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }] }),
    message: 'process.rlimits[0].type: expected a resource such as RLIMIT_NOFILE, found "RLIMIT_X"',
  },
  {
    config: withProcess({
      rlimits: [
        { type: 'RLIMIT_CPU', soft: 1, hard: 1 },
        { type: 'RLIMIT_CPU', soft: 2, hard: 2 },
      ],
    }),
    message: 'process.rlimits[1]: a second limit of RLIMIT_CPU',
  },
  {
    config: withProcess({ rlimits: [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }] }),
    message: 'process.rlimits[0].soft: 2 is above the hard limit 1',
  },
  {
    config: withProcess({ env: [`A=${'x'.repeat(131_070)}`] }),
    message: 'process.env[0]: expected at most 131071 bytes, found 131072',
  },
  {
    config: withProcess({ args: ['a', 'ü'.repeat(65_536)] }),
    message: 'process.args[1]: expected at most 131071 bytes, found 131072',
  },
  {
    config: withProcess({ env: Array.from({ length: 9 }, () => `A=${'x'.repeat(120_000)}`) }),
    message: 'process.env: expected at most 1048576 bytes, found 1080027',
  },
  { config: { hooks: [] }, message: 'hooks: expected an object, found an empty list' },
  { config: { hooks: { prestart: {} } }, message: 'hooks.prestart: expected a list, found an object' },
  {
    config: { hooks: { createRuntime: [{ path: '/ok' }, { path: 'bin/x' }] } },
    message: 'hooks.createRuntime[1].path: expected an absolute path, found "bin/x"',
  },
  {
    config: { hooks: { poststop: [{ args: ['x'] }] } },
    message: 'hooks.poststop[0].path: expected an absolute path, found nothing',
  },
  {
    config: { hooks: { poststart: [{ path: '/x', timeout: 0 }] } },
    message: 'hooks.poststart[0].timeout: expected a whole number from 1 to 4294967295, found 0',
  },
  {
    config: { hooks: { startContainer: [{ path: '/x', env: ['A'] }] } },
    message: 'hooks.startContainer[0].env[0]: expected NAME=value, found "A"',
  },
  { config: { mounts: {} }, message: 'mounts: expected a list, found an object' },
  {
    config: { mounts: [{ destination: 5, type: 'tmpfs' }] },
    message: 'mounts[0].destination: expected a string, found 5',
  },
  { config: { mounts: [{ destination: '/a' }] }, message: 'mounts[0].type: expected a file system, found nothing' },
  {
    config: { mounts: [{ destination: '/a', type: 'bind', source: '/b' }] },
    message: 'mounts[0].options: expected bind or rbind among them for the type bind',
  },
  {
    config: { mounts: [{ destination: 'x/../proc//self', type: 'tmpfs' }] },
    message: 'mounts[0].destination: /proc/self cannot be mounted because it is inside /proc',
  },
  {
    config: { mounts: [{ destination: '/a', type: 'tmpfs', uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] }] },
    message: 'mounts[0]: uidMappings and gidMappings: expected both or neither',
  },
  {
    config: { mounts: Array.from({ length: 4097 }, () => ({ destination: '/a', type: 'tmpfs' })) },
    message: 'mounts: expected at most 4096 entries, found 4097',
  },
  { config: { annotations: { a: 1 } }, message: 'annotations.a: expected a string, found 1' },
  { config: { annotations: { 'a.b/c': null } }, message: 'annotations["a.b/c"]: expected a string, found null' },
  { config: { annotations: { '': 'x' } }, message: 'annotations: expected a name, found an empty string' },
  { config: { hostname: 'h' }, message: 'hostname: needs a uts namespace in linux.namespaces' },
  { config: { domainname: 'd' }, message: 'domainname: needs a uts namespace in linux.namespaces' },
]

const wrongLinux: readonly { readonly linux: object; readonly message: string }[] = [
  {
    linux: { namespaces: [{ type: 'net' }] },
    message: 'linux.namespaces[0].type: expected one of pid, network, mount, ipc, uts, user, cgroup, time, found "net"',
  },
  {
    linux: { namespaces: [MOUNT, { type: 'mount', path: '/proc/1/ns/mnt' }] },
    message: 'linux.namespaces[1]: a second namespace of type mount',
  },
  {
    linux: { namespaces: [{ type: 'uts', path: 'ns' }] },
    message: 'linux.namespaces[0].path: expected an absolute path, found "ns"',
  },
  { linux: { maskedPaths: ['/a'] }, message: 'linux.maskedPaths: needs a mount namespace in linux.namespaces' },
  { linux: { maskedPaths: ['a'] }, message: 'linux.maskedPaths[0]: expected an absolute path, found "a"' },
  {
    linux: { uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
    message: 'linux.uidMappings: needs a user namespace in linux.namespaces',
  },
  {
    linux: {
      namespaces: [{ type: 'user', path: '/proc/7/ns/user' }],
      uidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
    },
    message: 'linux: uidMappings and gidMappings: expected both or neither for a user namespace that is joined',
  },
  {
    linux: { namespaces: [{ type: 'user' }], uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] },
    message: 'linux.gidMappings: a new user namespace needs at least one mapping',
  },
  {
    linux: {
      namespaces: [{ type: 'user', path: '/proc/7/ns/user' }],
      uidMappings: [{ containerID: 0, hostID: 4294967295, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
    },
    message: 'linux.uidMappings[0]: ids end at 4294967294',
  },
  {
    linux: { timeOffsets: { monotonic: { secs: 1 } }, namespaces: [{ type: 'time', path: '/proc/7/ns/time' }] },
    message: 'linux.timeOffsets: needs a new time namespace in linux.namespaces',
  },
  {
    linux: { timeOffsets: { realtime: { secs: 1 } }, namespaces: [{ type: 'time' }] },
    message: 'linux.timeOffsets: expected monotonic or boottime, found "realtime"',
  },
  {
    linux: { devices: [{ type: 'c', path: '/dev/x', major: 1 }] },
    message: 'linux.devices[0]: major and minor: expected for a device of type c',
  },
  {
    linux: { rootfsPropagation: 'sideways' },
    message:
      'linux.rootfsPropagation: expected one of shared, slave, private, unbindable, or one of these after an r, found "sideways"',
  },
  {
    linux: { resources: { devices: [{ allow: true, type: 'u' }] } },
    message: "linux.resources.devices[0].type: expected one of 'a', 'b', 'c', found \"u\"",
  },
  {
    linux: { resources: { pids: { limit: -2 } } },
    message: 'linux.resources.pids.limit: expected a whole number from -1 to 9223372036854775807, found -2',
  },
  {
    linux: { sysctl: { 'net.ipv4.ip_forward': '1' } },
    message: 'linux.sysctl["net.ipv4.ip_forward"]: needs a network namespace in linux.namespaces',
  },
  {
    linux: { sysctl: { 'kernel/msgmax': '1' } },
    message: 'linux.sysctl["kernel/msgmax"]: needs a ipc namespace in linux.namespaces',
  },
  {
    linux: { sysctl: { 'vm.swappiness': '1' } },
    message: 'linux.sysctl["vm.swappiness"]: belongs to the whole machine, not to a namespace',
  },
  {
    linux: { namespaces: [{ type: 'uts' }], sysctl: { 'kernel.hostname': 'x' } },
    message: 'linux.sysctl["kernel.hostname"]: set hostname instead',
  },
  {
    linux: { namespaces: [{ type: 'network' }], sysctl: { 'net/../kernel/core_pattern': 'x' } },
    message: 'linux.sysctl["net/../kernel/core_pattern"]: expected a name such as net.ipv4.ip_forward',
  },
  {
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 0 } },
    message: 'linux.seccomp.defaultErrnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno',
  },
  {
    linux: { seccomp: seccompWith({ action: 'SCMP_ACT_KILL', errnoRet: 1 }) },
    message: 'linux.seccomp.syscalls[0].errnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno',
  },
  {
    linux: { seccomp: seccompWith({ action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }) },
    message: 'linux.seccomp.syscalls[0].errnoRet: 4096 is more than 4095',
  },
  {
    linux: { seccomp: seccompWith({ action: 'SCMP_ACT_TRACE', errnoRet: 65536 }) },
    message: 'linux.seccomp.syscalls[0].errnoRet: 65536 is more than 65535',
  },
  {
    linux: { seccomp: seccompWith({ names: [] }) },
    message: 'linux.seccomp.syscalls[0].names: expected at least one system call, found an empty list',
  },
  {
    linux: { seccomp: { ...seccompWith({ action: 'SCMP_ACT_NOTIFY' }), listenerPath: '' } },
    message: 'linux.seccomp.listenerPath: SCMP_ACT_NOTIFY needs the socket that gets the notifications',
  },
  {
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' } },
    message: 'linux.seccomp.listenerMetadata: must not be set without listenerPath',
  },
  {
    linux: {
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] },
    },
    message: 'linux.seccomp.flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs SCMP_ACT_NOTIFY',
  },
]

/** A section with one rule. */
function seccompWith(rule: object): object {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'SCMP_ACT_LOG', ...rule }] }
}

for (const { config, message } of [
  ...wrong,
  ...wrongLinux.map(({ linux, message }) => ({ config: { linux }, message })),
]) {
  test(`refused: ${message}`, (t) => {
    t.is(t.throws(() => parse(config), { name: 'SpecError' })?.message, `config.json: ${message}`)
  })
}

test('one message names every wrong field, up to ten', (t) => {
  t.is(
    t.throws(() =>
      parse({ ...withProcess({ args: [], terminal: 'yes' }), mounts: [{ destination: '/a' }, { destination: 5 }] }),
    )?.message,
    'config.json: process.args: expected at least one string, found an empty list; ' +
      'process.terminal: expected true or false, found "yes"; mounts[1].destination: expected a string, found 5',
  )
  const many = t.throws(() => parse(withProcess({ args: Array.from({ length: 25 }, () => 0) })))?.message ?? ''
  t.true(many.endsWith('process.args[9]: expected a string, found 0; and 15 more'))
})

test('what fields have to do with each other is told of beside wrong fields, as far as it can be told', (t) => {
  const rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }]
  t.is(
    t.throws(() => parse({ ...withProcess({ cwd: 'x', rlimits }), hostname: 'h', mounts: [{ destination: '/a' }] }))
      ?.message,
    'config.json: process.cwd: expected an absolute path, found "x"; ' +
      'hostname: needs a uts namespace in linux.namespaces; ' +
      'mounts[0].type: expected a file system, found nothing; ' +
      'process.rlimits[0].type: expected a resource such as RLIMIT_NOFILE, found "RLIMIT_X"',
  )
  // Where the namespaces are wrong, nothing is said to need one.
  t.is(
    t.throws(() =>
      parse({ hostname: 'h', linux: { namespaces: {}, maskedPaths: ['/a'] }, mounts: [{ destination: '/a' }] }),
    )?.message,
    'config.json: linux.namespaces: expected a list, found an object; mounts[0].type: expected a file system, found nothing',
  )
  t.is(
    t.throws(() => parse({ process: 5, root: 5, mounts: [{ destination: '/a' }] }))?.message,
    'config.json: root: expected an object, found 5; process: expected an object, found 5; ' +
      'mounts[0].type: expected a file system, found nothing',
  )
  t.is(
    t.throws(() => parse({ ...withProcess({ cwd: 'x' }), linux: { seccomp: seccompWith({ errnoRet: 1 }) } }))?.message,
    'config.json: process.cwd: expected an absolute path, found "x"; ' +
      'linux.seccomp.syscalls[0].errnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno',
  )
})

const accepted: Readonly<Record<string, object>> = {
  'unknown names anywhere': { extra: { deep: [1] }, ...withProcess({ extra: 1 }), root: { path: '/', extra: null } },
  'null for what is optional': {
    hostname: null,
    mounts: null,
    linux: { resources: { memory: { limit: null } }, seccomp: null },
  },
  'an environment as long as any': withProcess({ env: [`A=${'x'.repeat(131_069)}`, `B=${'x'.repeat(100_000)}`] }),
  'a later minor version': { ociVersion: '1.9.0-rc.1+build' },
  'a relative destination': { mounts: [{ destination: 'data', type: 'tmpfs' }] },
  'a mount on a file of procfs that programs read': {
    mounts: [{ destination: '/proc/cpuinfo', source: '/c', options: ['bind'] }],
  },
  'a hostname in a uts namespace that is joined': {
    hostname: 'h',
    linux: { namespaces: [{ type: 'uts', path: '/proc/7/ns/uts' }] },
  },
  'a fifo without numbers': { linux: { devices: [{ type: 'p', path: '/dev/f' }] } },
  'sysctls of their namespaces, in both forms': {
    linux: {
      namespaces: [{ type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'time' }],
      sysctl: { 'net/ipv4/conf/eno2.100/rp_filter': '1', 'fs.mqueue.msg_max': '1', 'kernel.domainname': 'd' },
      timeOffsets: { boottime: { secs: -1, nanosecs: 999999999 } },
    },
  },
}

for (const [name, config] of Object.entries(accepted)) {
  test(`accepted: ${name}`, (t) => {
    t.notThrows(() => parse(config))
  })
}

test('a null is gone from the result', (t) => {
  t.deepEqual(parse({ hostname: null, root: { path: 'r', readonly: null } }), { ...MINIMAL, root: { path: 'r' } })
})

test('a limit of 64 bits survives', (t) => {
  const text = JSON.stringify({
    ...MINIMAL,
    ...withProcess({ rlimits: [{ type: 'RLIMIT_CPU', soft: 0, hard: 0 }] }),
  }).replace('"hard":0', '"hard":18446744073709551615')
  t.is(parseSpec('config.json', text).process.rlimits?.[0]?.hard, 18446744073709551615n)
  t.throws(() => parseSpec('config.json', text.replace('551615', '551616')), { message: /found 18446744073709551616$/ })
})
