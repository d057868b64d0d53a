/** Programs and files of other projects that tests compare with or need, or the build wants, and the Debian packages that have them. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import process from 'node:process'

/** A header; with it comes the library. */
const libseccomp = '/usr/include/seccomp.h'

const packages = {
  'musl-gcc': 'musl-tools',
  runc: 'runc',
  crun: 'crun',
  bwrap: 'bubblewrap',
  busybox: 'busybox-static',
  newuidmap: 'uidmap',
  ps: 'procps',
  python3: 'python3-minimal',
  dockerd: 'docker.io',
  docker: 'docker.io',
  containerd: 'containerd',
  podman: 'podman',
  catatonit: 'catatonit',
  buildah: 'buildah',
  ip: 'iproute2',
  iptables: 'iptables',
  chromium: 'chromium',
  'qemu-system-x86_64': 'qemu-system-x86',
  mmdebstrap: 'mmdebstrap',
  [libseccomp]: 'libseccomp-dev',
}

/** Installs what is missing where we can: as root, with apt. Elsewhere says in one line what to install. */
export function installPrograms() {
  const wanted = missing()
  if (wanted.length === 0) return
  if (process.getuid() === 0 && isExecutable('/usr/bin/apt-get')) {
    const install = ['install', '--yes', '--no-install-recommends', ...wanted]
    if (!apt(install)) apt(['update']) && apt(install)
  }
  const absent = missing()
  if (absent.length > 0) console.log(`Some tests will be skipped without the Debian packages: ${absent.join(' ')}`)
}

/** Whether the tests that compare with libseccomp can be built. */
export function hasLibseccomp() {
  return existsSync(libseccomp)
}

function apt(words) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return (
    spawnSync('apt-get', ['--quiet', '--quiet', ...words], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
  )
}

function missing() {
  // Those of the system's own programs are not in every user's PATH.
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  const has = (name) =>
    name.startsWith('/') ? existsSync(name) : directories.some((directory) => isExecutable(`${directory}/${name}`))
  return [...new Set(Object.keys(packages).flatMap((name) => (has(name) ? [] : [packages[name]])))]
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
