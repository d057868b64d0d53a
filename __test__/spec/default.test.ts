import test from 'ava'
import { defaultConfig } from '../../src/spec/default.js'
import { specVersion } from '../../src/version.js'

test('the text is runc’s: tabs, its order of fields, no newline at the end', (t) => {
  const text = defaultConfig({ cgroup2: false })
  t.true(
    text.startsWith(
      `{\n\t"ociVersion": "${specVersion}",\n\t"process": {\n\t\t"terminal": true,\n\t\t"user": {\n\t\t\t"uid": 0,`,
    ),
  )
  t.true(text.endsWith('\t\t\t"/proc/sysrq-trigger"\n\t\t]\n\t}\n}'))
  t.deepEqual(Object.keys(JSON.parse(text)), ['ociVersion', 'process', 'root', 'hostname', 'mounts', 'linux'])
})

test('a user without privileges gets a user namespace of one id, and what needs more is left out', (t) => {
  const { linux, mounts } = JSON.parse(defaultConfig({ cgroup2: true, rootless: { uid: 1000, gid: 100 } }))
  t.deepEqual(linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }])
  t.deepEqual(linux.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }])
  t.deepEqual(
    linux.namespaces.map(({ type }: { type: string }) => type),
    ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user'],
  )
  t.false(JSON.stringify(mounts).includes('gid=5'))
  t.is(linux.resources, undefined)
})
