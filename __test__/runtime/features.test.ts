/** `features`: what callers ask a runtime before they use it. */
import { behaviour } from '../harness/behaviour.js'
import { ours, runtime } from '../harness/runtime.js'
import { bindMount } from '../harness/spec.js'
import { unprivileged } from '../harness/user.js'

behaviour('features prints a document with what callers look for, and nothing else', {}, async (t, session) => {
  const { code, stdout, stderr } = await session.run(['features'], { global: [] })
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  const features = JSON.parse(stdout)
  // CRI-O rejects a document without them.
  t.regex(features.ociVersionMin, /^1\.0\.\d/)
  t.regex(features.ociVersionMax, /^1\.\d+\.\d/)
  for (const option of ['ro', 'rro', 'rbind', 'nosuid', 'rprivate', 'strictatime'])
    t.true(features.mountOptions.includes(option), option)
  for (const kind of ['user', 'pid', 'mount', 'network', 'ipc', 'uts', 'cgroup'])
    t.true(features.linux.namespaces.includes(kind), kind)
  t.true(features.linux.capabilities.includes('CAP_SYS_ADMIN'))
  t.true(features.linux.cgroup.v1)
  t.true(features.linux.cgroup.v2)
})

behaviour(
  'features of ours says 1.3, all eight namespaces, and claims nothing that is not there',
  { runtimes: ours },
  async (t, session) => {
    const features = JSON.parse(await session.ok(['features'], { global: [] }))
    t.regex(features.ociVersionMax, /^1\.3\.\d/)
    t.deepEqual([...features.linux.namespaces].sort(), [
      'cgroup',
      'ipc',
      'mount',
      'network',
      'pid',
      'time',
      'user',
      'uts',
    ])
    t.is(new Set(features.mountOptions).size, features.mountOptions.length)
    const ids = [{ containerID: 0, hostID: 0, size: 1 }]
    for (const option of features.mountOptions) {
      // An option is one of a view, of a new file system, or of what is mounted already.
      const attempts = []
      for (const mount of [
        bindMount(session.canary, '/mnt', option),
        { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: [option] },
        { destination: '/dev/shm', options: [option] },
        { ...bindMount(session.canary, '/mnt', option), uidMappings: ids, gidMappings: ids },
      ]) {
        session.bundle({ edit: (spec) => spec.mounts.push(mount) })
        attempts.push(await session.run(['run', session.id()]))
        if (attempts.at(-1)?.code === 0) break
      }
      t.true(
        attempts.some(({ code }) => code === 0),
        `${option}: ${attempts.map(({ message }) => message).join('')}`,
      )
    }
  },
)

behaviour(
  "features has all that runc's has, where that means the same",
  { runtimes: ours, unless: runtime('runc').absent },
  async (t, session) => {
    const features = JSON.parse(await session.ok(['features'], { global: [] }))
    const runc = JSON.parse((await session.start(['runc', 'features']).finished).stdout)
    const missing = (theirs: string[] = [], own: string[] = []) => theirs.filter((name) => !own.includes(name))
    t.deepEqual(features.hooks, runc.hooks)
    t.deepEqual(features.linux.capabilities, runc.linux.capabilities)
    // These two are no options of ours but of file systems that have them.
    t.deepEqual(missing(runc.mountOptions, features.mountOptions), ['acl', 'noacl'])
    t.deepEqual(missing(runc.linux.namespaces, features.linux.namespaces), [])
    for (const list of ['actions', 'operators', 'archs'])
      t.deepEqual(missing(runc.linux.seccomp[list], features.linux.seccomp[list]), [], list)
    for (const name of ['seccomp', 'apparmor', 'selinux'])
      t.is(features.linux[name].enabled, runc.linux[name].enabled, name)
  },
)

behaviour(
  'features needs no privileges and no state directory',
  { runtimes: ours, unprivileged: true },
  async (t, session) => {
    session.openToEveryone()
    const { code, stdout } = await session.run(['features'], { global: [], through: unprivileged.through })
    t.is(code, 0)
    t.true(JSON.parse(stdout).linux.namespaces.includes('user'))
  },
)

behaviour(
  'the static binary starts from its image, and can’t be told to write one',
  { runtimes: ['gantry'] },
  async (t, session) => {
    const { code, stdout, stderr } = await session.run(['write-image'], { global: [] })
    t.deepEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: 'unknown command: write-image\n' })
  },
)
