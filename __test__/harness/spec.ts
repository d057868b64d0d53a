/** The config.json that test bundles start from: what `runc spec` writes, without a terminal and with a writable root. */

export interface Spec {
  ociVersion: string
  process: Process
  root: { path: string; readonly?: boolean }
  hostname?: string
  domainname?: string
  mounts: Mount[]
  annotations?: Record<string, string>
  hooks?: Record<string, Hook[]>
  linux: Linux
}

export interface Process {
  terminal?: boolean
  consoleSize?: { height: number; width: number }
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] }
  args: string[]
  env: string[]
  cwd: string
  capabilities?: Partial<Record<CapabilitySet, string[]>>
  rlimits?: { type: string; soft: number; hard: number }[]
  noNewPrivileges?: boolean
  oomScoreAdj?: number
  [other: string]: unknown
}

export interface Hook {
  path: string
  args?: string[]
  env?: string[]
  timeout?: number
}

export type CapabilitySet = 'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient'

export interface Mount {
  destination: string
  type?: string
  source?: string
  options?: string[]
  uidMappings?: IdMapping[]
  gidMappings?: IdMapping[]
}

export interface Namespace {
  type: string
  path?: string
}

export interface IdMapping {
  containerID: number
  hostID: number
  size: number
}

export interface Linux {
  namespaces: Namespace[]
  uidMappings?: IdMapping[]
  gidMappings?: IdMapping[]
  maskedPaths?: string[]
  readonlyPaths?: string[]
  rootfsPropagation?: string
  cgroupsPath?: string
  devices?: {
    type: string
    path: string
    major?: number
    minor?: number
    fileMode?: number
    uid?: number
    gid?: number
  }[]
  resources?: Record<string, unknown>
  sysctl?: Record<string, string>
  timeOffsets?: Record<string, { secs: number; nanosecs?: number }>
  [other: string]: unknown
}

export function defaultSpec(args: readonly string[]): Spec {
  const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [...args],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs' },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
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
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

/** Makes the config one for a user without privileges, who is root in a user namespace of their own. */
export function rootless(spec: Spec, uid: number, gid: number): void {
  spec.linux.namespaces = ['pid', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }))
  spec.linux.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }]
  spec.linux.gidMappings = [{ containerID: 0, hostID: gid, size: 1 }]
  // Neither gid 5 nor a new sysfs (which needs a network namespace of one's own) is to be had.
  for (const mount of spec.mounts) mount.options = mount.options?.filter((option) => option !== 'gid=5')
  spec.mounts = spec.mounts.map((mount) =>
    mount.destination === '/sys'
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] }
      : mount,
  )
}

export function bindMount(source: string, destination: string, ...options: string[]): Mount {
  return { destination, type: 'bind', source, options: ['bind', ...options] }
}
