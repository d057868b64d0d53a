/** podman and buildah in a directory of their own: configuration, images and containers. */
import { writeFileSync } from 'node:fs'
import type { Session } from '../harness/session.js'
import type { Caller } from './caller.js'
import { documented } from './documented.js'

/** What tells podman and buildah where everything is. */
export function environment({ dir }: Session): Record<string, string> {
  return { CONTAINERS_CONF: `${dir}/podman/containers.conf`, CONTAINERS_STORAGE_CONF: `${dir}/podman/storage.conf` }
}

/** Writes the configuration files, imports the image, and makes namespaces for all of it. */
export async function prepare(caller: Caller): Promise<void> {
  const { session } = caller
  const home = session.directory('podman')
  writeFileSync(
    `${home}/containers.conf`,
    `[containers]
# podman asks for more than the machine may give.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
${documented('podman', caller.path).replace(
  '[engine]',
  `[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "${home}/tmp"`,
)}`,
  )
  writeFileSync(
    `${home}/storage.conf`,
    `[storage]\ndriver = "vfs"\ngraphroot = "${home}/storage"\nrunroot = "${home}/run"\n`,
  )
  await caller.startDaemon(['sleep', 'infinity'], ['info'])
  await session.shell(`tar -C ${caller.rootfs()} -c . >${session.path('image.tar')}`)
  const archive = ['import', '--quiet', `${session.dir}/image.tar`, 'box']
  const { code, stderr } = await session.start([...caller.where, 'podman', ...archive], { env: environment(session) })
    .finished
  if (code !== 0) throw new Error(stderr)
}
