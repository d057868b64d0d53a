/**
 * The machine's first disk and its kernel: Debian, made of Debian's packages as guest/setup.sh says. Both are kept in
 * ~/.cache/gantry-vm until what they are made from changes.
 *
 * The kernel is the one for clouds. It mounts ext4 on NVMe without an initial RAM disk, and has all controllers, for
 * cgroup v2 as for v1, and AppArmor.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const packages = [
  'apparmor',
  'busybox-static',
  'criu',
  'dbus-user-session',
  'iproute2',
  'kmod',
  'libpam-systemd',
  'libpython3-stdlib',
  'libstdc++6',
  'mount',
  'passwd',
  'procps',
  'python3-minimal',
  'runc',
  'systemd-sysv',
  'uidmap',
]

const guest = fileURLToPath(new URL('guest', import.meta.url))
const cache = join(homedir(), '.cache/gantry-vm')

/** Why there is no image here and none can be made; undefined when there is one. */
export function noImage() {
  if (process.getuid() !== 0) return 'its image is made as root'
  if (!existsSync('/usr/bin/mmdebstrap')) return 'mmdebstrap is not installed'
  if (debianSources().length === 0) return 'its image is made of Debian packages, and apt has no source of them'
  try {
    image()
    return undefined
  } catch (error) {
    return `its image can't be made: ${error.message.split('\n')[0]}`
  }
}

/** Makes what is not there yet, and gives the paths of both. */
export function image() {
  const recipe = createHash('sha256').update(JSON.stringify([packages, debianSources()]))
  for (const file of ['setup.sh', 'gantry.service']) recipe.update(readFileSync(join(guest, file)))
  const place = join(cache, recipe.digest('hex').slice(0, 16))
  if (!existsSync(place)) make(place)
  return { root: join(place, 'root.img'), kernel: join(place, 'vmlinuz') }
}

/** The sources of Debian's own packages that apt has, as lines of sources.list(5). */
function debianSources() {
  const format = '$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)'
  const lines = output('apt-get', 'indextargets', 'Created-By: Packages', '--format', format).split('\n')
  return [...new Set(lines)].filter((line) => line.startsWith('Debian|')).map((line) => line.slice('Debian|'.length))
}

function make(place) {
  // Gets its name when it is complete. What was made before goes: nobody else looks for it.
  const fresh = `${place}.${process.pid}`
  const tree = join(fresh, 'tree')
  rmSync(cache, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  try {
    const sources = debianSources()
    const [, , release] = sources[0].split(' ')
    run(
      'mmdebstrap',
      '--quiet',
      '--mode=root',
      '--variant=essential',
      `--include=${packages.join(',')}`,
      `--customize-hook=sh ${guest}/setup.sh "$1" ${fresh}/vmlinuz ${guest}`,
      release,
      tree,
      ...sources,
    )
    const mebibytes = Number(output('du', '--summarize', '--block-size=1M', tree).split('\t')[0])
    run('mke2fs', '-q', '-t', 'ext4', '-m', '0', '-d', tree, join(fresh, 'root.img'), `${mebibytes + 2048}M`)
    rmSync(tree, { recursive: true })
    renameSync(fresh, place)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function run(command, ...args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function output(command, ...args) {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}
