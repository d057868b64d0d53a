import test from 'ava'
import { HYBRID, mountsOf, planned, V2 } from './fixtures.js'

const CAPABILITIES = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW', 'CAP_MKNOD']

/** What Docker 20.10 writes for `docker run --network none --security-opt seccomp=unconfined`, shortened. */
const DOCKER = {
  config: {
    ociVersion: '1.0.2-dev',
    hostname: '0123456789ab',
    hooks: {},
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev/shm', type: 'bind', source: '/var/lib/docker/shm', options: ['rbind', 'rprivate'] },
      { destination: '/etc/hosts', type: 'bind', source: '/var/lib/docker/hosts', options: ['rbind', 'rprivate'] },
    ],
  },
  process: {
    args: ['sh'],
    env: ['PATH=/bin', 'HOSTNAME=0123456789ab'],
    capabilities: {
      bounding: CAPABILITIES,
      effective: CAPABILITIES,
      inheritable: CAPABILITIES,
      permitted: CAPABILITIES,
    },
    oomScoreAdj: 0,
  },
  linux: {
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
      ],
      memory: { disableOOMKiller: false },
      cpu: { shares: 0 },
      pids: {},
      blockIO: { weight: 0 },
    },
    cgroupsPath: '/docker/0123456789ab',
    namespaces: [{ type: 'mount' }, { type: 'network' }, { type: 'uts' }, { type: 'pid' }, { type: 'ipc' }],
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
  },
}

for (const [layout, cgroups] of Object.entries({ v2: V2, hybrid: HYBRID })) {
  test(`Docker’s config, on ${layout}`, (t) => {
    const { plan, warnings } = planned({ ...DOCKER, facts: { cgroups } })
    t.deepEqual(warnings, [])
    t.is(mountsOf(plan).length, layout === 'v2' ? 8 : 8 + cgroups.length)
    t.deepEqual(
      plan.cgroup?.hierarchies.map(({ path, writes = [] }) => [path, writes]),
      cgroups.map(() => ['docker/0123456789ab', []]),
    )
  })
}
