/** A container's cgroup as its own: what it may do in it, and what stays out of its reach. */
import { existsSync, readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { directoryOf } from '../harness/cgroups.js'
import { ours } from '../harness/runtime.js'
import type { Spec } from '../harness/spec.js'

/** Root in a user namespace, with a cgroup file system to write to. */
function delegated(spec: Spec, ...options: string[]): void {
  spec.linux.namespaces.push({ type: 'user' }, { type: 'cgroup' })
  spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options })
}

const script =
  'cd /sys/fs/cgroup && mkdir sub && echo 0 > sub/cgroup.procs && grep ^0: /proc/self/cgroup && ' +
  "for f in $(ls -ln | awk 'NF > 3 && $3 == 0 { print $9 }'); do echo $f; done"

behaviour(
  'root of a container makes cgroups in its own',
  { runtimes: [...ours, 'crun'], view: 'v2' },
  async (t, session) => {
    session.bundle({ args: ['sh', '-c', script], edit: (spec) => delegated(spec) })
    session.shellSync('chown -R 100000:100000 rootfs')
    const [cgroup, ...own] = (await session.ok(['run', session.id()])).trim().split('\n')
    t.is(cgroup, '0::/sub')
    t.true(
      ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads', 'sub'].every((name) => own.includes(name)),
      own.join(),
    )
    // Its limits are not its own to change.
    for (const name of own)
      t.regex(name, /^(cgroup\.(procs|threads|subtree_control)|memory\.(oom\.group|reclaim)|sub)$/)
  },
)

behaviour('a cgroup that is mounted read-only stays the host’s', { runtimes: ours, view: 'v2' }, async (t, session) => {
  session.bundle({
    args: ['sh', '-c', "ls -ln /sys/fs/cgroup | awk 'NF > 3 && $3 == 0' | wc -l"],
    edit: (spec) => delegated(spec, 'ro'),
  })
  session.shellSync('chown -R 100000:100000 rootfs')
  t.is((await session.ok(['run', session.id()])).trim(), '0')
})

behaviour(
  'an annotation puts the container below its cgroup, and gives it that',
  { runtimes: ours, view: 'v2' },
  async (t, session) => {
    session.bundle({
      args: ['sleep', '60'],
      edit: (spec) => {
        delegated(spec)
        spec.annotations = { 'run.oci.delegate-cgroup': 'payload' }
        spec.linux.resources = { unified: { 'cgroup.max.depth': '7' } }
      },
    })
    session.shellSync('chown -R 100000:100000 rootfs')
    await session.ok(['run', '-d', session.id()])
    const { pid } = await session.state()
    t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::.*${session.id()}(\\.scope)?/payload$`, 'm'))
    const outer = directoryOf(session, existsSync('/sys/fs/cgroup/unified') ? 'unified' : '')
    t.is(readFileSync(`${outer}/cgroup.max.depth`, 'utf8'), '7\n')
    const owners = await session.shell(
      `stat -c %u ${outer} ${outer}/payload ${outer}/payload/cgroup.procs ${outer}/payload/cgroup.max.depth`,
    )
    t.is(owners.stdout, '0\n100000\n100000\n0\n')
    // All that is done to the container is done to all that is below.
    t.is(await session.ok(['ps', '--format', 'json', session.id()]), `[${pid}]\n`)
    await session.ok(['pause', session.id()])
    t.is((await session.state()).status, 'paused')
    await session.ok(['resume', session.id()])
    t.regex(await session.ok(['exec', session.id(), 'cat', '/proc/self/cgroup']), /^0::\/(\.\.)?/m)
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour('what can’t be delegated is an error', { runtimes: ours }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.annotations = { 'run.oci.delegate-cgroup': '../up' }) })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /annotations\["run\.oci\.delegate-cgroup"\]: /)
})
