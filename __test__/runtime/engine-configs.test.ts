/**
 * What Docker 28.2 (`docker run --memory 64m --cpus 0.5 --pids-limit 100`, on its default network) and podman 4.3 (`podman run
 * --network none --tmpfs /scratch --tz local`, with a directory of hooks) wrote for a container, paths aside.
 */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc, noV1 } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'

/** Makes the bundle, with what the config refers to. Gives the directory of the files. */
function bundle(session: Session, engine: string, args: readonly string[]): string {
  const files = session.directory('files')
  for (const name of ['resolv.conf', 'hostname', 'hosts', 'localtime', '.containerenv'])
    session.file(`files/${name}`, `${name} of the engine\n`)
  session.directory('files/shm')
  // dockerd itself, under another name: it takes the pid out of the state, and keeps the network namespace.
  const setkey = session.file(
    'files/setkey',
    `#!/bin/sh\nexec /bin/readlink /proc/$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')/ns/net >${files}/netns\n`,
  )
  session.shellSync(`chmod +x ${setkey}`, '/')
  const text = readFileSync(new URL(`../fixtures/${engine}.config.json`, import.meta.url), 'utf8')
    .replaceAll('@files@', files)
    .replaceAll('@setkey@', setkey)
    .replaceAll('@rootfs@', `${session.dir}/bundle/rootfs`)
    .replaceAll('@cgroup@', `/${session.mark}`)
  const config = JSON.parse(text)
  config.process.args = args
  session.bundle({ text: JSON.stringify(config) })
  return files
}

const look =
  'readlink /proc/self/ns/net; hostname; cat /etc/hosts; grep -E "^(Seccomp|CapEff|NoNewPrivs):" /proc/self/status; ' +
  'unshare -U true 2>/dev/null || echo no namespaces; echo x >/proc/sys/kernel/hostname || echo read-only'

behaviour('a container of Docker, by its own config.json', { runtimes: likeRunc, unless: noV1 }, async (t, session) => {
  const files = bundle(session, 'docker', [
    'sh',
    '-c',
    `{ ${look}; } 2>/dev/null; cat /sys/fs/cgroup/memory/memory.limit_in_bytes`,
  ])
  const [netns = '', ...seen] = (await session.ok(['run', session.id()])).trimEnd().split('\n')
  t.deepEqual(seen, [
    '5af982515495',
    'hosts of the engine',
    'CapEff:\t00000000a80425fb',
    'NoNewPrivs:\t0',
    'Seccomp:\t2',
    'no namespaces',
    'read-only',
    '67108864',
  ])
  t.is(readFileSync(`${files}/netns`, 'utf8').trim(), netns)
})

behaviour('a container of podman, by its own config.json', { runtimes: likeRunc, unless: noV1 }, async (t, session) => {
  const files = bundle(session, 'podman', [
    'sh',
    '-c',
    `{ ${look}; } 2>/dev/null; cat /sys/fs/cgroup/pids/pids.max; cat /run/.containerenv`,
  ])
  const [, ...seen] = (await session.ok(['run', session.id()])).trimEnd().split('\n')
  t.deepEqual(seen, [
    '888616f52172',
    'hosts of the engine',
    'CapEff:\t00000000a80425fb',
    'NoNewPrivs:\t0',
    'Seccomp:\t2',
    'read-only',
    '100',
    '.containerenv of the engine',
  ])
  t.deepEqual(
    readFileSync(`${files}/state`, 'utf8').match(/"status": ?"\w+"/g)?.length,
    3,
    'prestart, createContainer and poststart',
  )
})
