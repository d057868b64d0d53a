/** A config.json that has every property of the runtime-spec once, and is valid. */
const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
const hook = { path: '/bin/true', args: ['true', 'x'], env: ['A=1'], timeout: 5 }
const chown = ['CAP_CHOWN']

export const EVERYTHING: object = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs', readonly: true },
  hostname: 'host',
  domainname: 'example.org',
  annotations: { 'org.example.a': 'b' },
  process: {
    terminal: false,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 0, gid: 0, umask: 18, additionalGids: [1, 2] },
    args: ['sh', '-c', 'true'],
    env: ['PATH=/bin', 'HOME=/'],
    cwd: '/tmp',
    capabilities: { bounding: chown, effective: chown, permitted: chown, inheritable: chown, ambient: chown },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 9007199254740993n }],
    noNewPrivileges: true,
    oomScoreAdj: 100,
    apparmorProfile: 'profile',
    selinuxLabel: 'a:b:c:s0',
    scheduler: {
      policy: 'SCHED_DEADLINE',
      flags: ['SCHED_FLAG_RESET_ON_FORK'],
      runtime: 10,
      deadline: 20,
      period: 30,
      nice: 0,
      priority: 0,
    },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 3 },
    execCPUAffinity: { initial: '0', final: '0-1' },
  },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755', 'size=64k', 'strictatime'] },
    { destination: '/data', type: 'bind', source: '/data', options: ['rbind', 'rro', 'rslave'] },
    { destination: '/ids', source: '/ids', options: ['bind', 'idmap'], uidMappings: mappings, gidMappings: mappings },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
  ],
  hooks: {
    prestart: [hook],
    createRuntime: [hook],
    createContainer: [hook],
    startContainer: [hook],
    poststart: [hook],
    poststop: [hook],
  },
  linux: {
    namespaces: ['user', 'pid', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time'].map((type) => ({ type })),
    uidMappings: mappings,
    gidMappings: mappings,
    timeOffsets: { monotonic: { secs: 10, nanosecs: 5 }, boottime: { secs: 9007199254740993n } },
    devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    netDevices: { dummy0: { name: 'eth%d' } },
    cgroupsPath: '/pod/container',
    rootfsPropagation: 'rslave',
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    mountLabel: 'a:b:c:s0',
    sysctl: { 'net.ipv4.ip_forward': '1', 'kernel/shmmax': '1' },
    personality: { domain: 'LINUX32', flags: [] },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    intelRdt: { closID: 'gold', l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=50', schemata: ['L2:0=1'] },
    resources: {
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      ],
      memory: { limit: 9007199254740993n, reservation: 1048576, swap: 9007199254740995n, checkBeforeUpdate: true },
      cpu: { shares: 512, quota: 50000, period: 100000, burst: 1000, cpus: '0-1', mems: '0', idle: 0 },
      pids: { limit: 100 },
      blockIO: {
        weight: 100,
        weightDevice: [{ major: 8, minor: 0, weight: 200 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9007199254740993n }],
      },
      hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
      rdma: { mlx5_0: { hcaHandles: 1, hcaObjects: 2 } },
      unified: { 'memory.high': '1048576' },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 1,
      architectures: ['SCMP_ARCH_X86_64'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      listenerPath: '/run/agent',
      listenerMetadata: 'data',
      syscalls: [
        {
          names: ['read', 'write'],
          action: 'SCMP_ACT_ERRNO',
          errnoRet: 38,
          args: [{ index: 0, value: 18446744073709551615n, valueTwo: 1, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    },
  },
}

/** A document as JSON, with bigints as the numbers that they are. */
export function toJson(document: unknown): string {
  const text = JSON.stringify(document, (_, value) => (typeof value === 'bigint' ? `\u0001${value}` : value))
  return text.replace(/"\\u0001(-?\d+)"/g, '$1')
}
