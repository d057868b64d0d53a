/** The bundles that every runtime runs: what `runc spec` writes, on a root of one static busybox; and one that Docker wrote. */
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import process from 'node:process'

/** Which cgroup hierarchies a measurement sees. */
export type View = 'v2' | 'v1'

/** `run` makes a bundle's container end at once, `wait` makes it wait for its signal, `write` fill its terminal. */
export type Purpose = 'run' | 'wait' | 'write'

/** MiB: what a program writes to its terminal. */
export const written = 16

export const programs: Record<Purpose, readonly string[]> = {
  run: ['true'],
  wait: ['sleep', '1000'],
  write: ['dd', 'if=/dev/zero', 'bs=64k', `count=${written * 16}`],
}
const quiet = ['nosuid', 'noexec', 'nodev']
const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

/** Makes the root file system; throws where the machine has no static busybox. */
export function makeRootfs(path: string): void {
  const busybox = '/bin/busybox'
  if (readFileSync(busybox).subarray(0, 4096).includes('/ld-')) throw new Error(`${busybox} is not static`)
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'])
    mkdirSync(`${path}/${directory}`, { recursive: true })
  copyFileSync(busybox, `${path}/bin/busybox`)
  for (const name of ['true', 'sleep', 'dd']) symlinkSync('busybox', `${path}/bin/${name}`)
}

export function makeBundle(path: string, rootfs: string, view: View, purpose: Purpose): void {
  mkdirSync(path)
  writeFileSync(`${path}/config.json`, JSON.stringify(config(rootfs, view, purpose), undefined, 2))
}

/** What Docker wrote for `docker run` with limits, with its seccomp profile: compact, as it writes it. Gives the profile. */
export function makeDockerBundle(path: string, rootfs: string, fixture: string): string {
  const text = readFileSync(fixture, 'utf8')
    .replaceAll('@rootfs@', rootfs)
    .replaceAll('@cgroup@', `/gantry-bench-${process.pid}`)
    .replaceAll(/@\w+@/g, path)
  const config: { readonly linux: { readonly seccomp: object } } = JSON.parse(text)
  mkdirSync(path)
  writeFileSync(`${path}/config.json`, JSON.stringify(config))
  return JSON.stringify(config.linux.seccomp)
}

function config(rootfs: string, view: View, purpose: Purpose): object {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: purpose === 'write',
      user: { uid: 0, gid: 0 },
      args: programs[purpose],
      env: ['PATH=/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    hostname: 'bench',
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
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...quiet, 'mode=1777', 'size=65536k'] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: quiet },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...quiet, 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...quiet, 'relatime', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      // On v2 these rules are a BPF program, for which the older of the runtimes want a higher RLIMIT_MEMLOCK than they may get.
      ...(view === 'v1' && { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      maskedPaths: ['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'timer_list', 'sched_debug', 'scsi']
        .map((name) => `/proc/${name}`)
        .concat('/sys/firmware'),
      readonlyPaths: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`),
    },
  }
}
