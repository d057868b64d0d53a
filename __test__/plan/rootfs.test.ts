import test from 'ava'
import { names, plan, steps } from './fixtures.js'

const propagations = [
  { name: undefined, host: 'slave', root: [] },
  { name: 'rslave', host: 'slave', root: [] },
  { name: 'private', host: 'private', root: [] },
  { name: 'rshared', host: 'shared', root: [{ rootPropagation: { to: 'shared', recursive: true } }] },
  { name: 'unbindable', host: 'slave', root: [{ rootPropagation: { to: 'unbindable', recursive: false } }] },
]

for (const { name, host, root } of propagations) {
  test(`rootfsPropagation ${name}`, (t) => {
    const made = plan({ linux: { rootfsPropagation: name } })
    t.deepEqual(steps(made, 'hostPropagation'), [{ hostPropagation: { to: host } }])
    t.deepEqual<unknown, unknown>(steps(made, 'rootPropagation'), root)
  })
}

test('chroot in place of pivot_root', (t) => {
  t.true(names(plan({ request: { noPivot: true } })).includes('moveRoot'))
  t.throws(() => plan({ request: { noPivot: true }, linux: { rootfsPropagation: 'rprivate' } }), {
    message: 'linux.rootfsPropagation: private is not safe without pivot_root',
  })
})

test('a view of this machine is read-only before anything is mounted in it', (t) => {
  const made = plan({
    config: { root: { path: '/', readonly: true }, mounts: [{ destination: '/tmp', type: 'tmpfs' }] },
    request: { readonlyView: true },
  })
  t.deepEqual(names(made).slice(0, 4), ['hostPropagation', 'rootfs', 'readonlyPath', 'pivotRoot'])
  t.deepEqual(steps(made, 'readonlyPath'), [{ readonlyPath: { path: '/' } }])
})

test('a working directory is made before the root is read-only', (t) => {
  t.deepEqual(
    names(plan({ config: { root: { path: 'rootfs', readonly: true } }, process: { cwd: '/work' } })).filter((name) =>
      ['directory', 'readonlyRoot', 'workingDirectory'].includes(name),
    ),
    ['directory', 'readonlyRoot', 'workingDirectory'],
  )
})

test('the root is entered at once, but in a user namespace only when procfs is mounted', (t) => {
  const idMappings = [{ containerID: 0, hostID: 1000, size: 1 }]
  const mapped = { uidMappings: idMappings, gidMappings: idMappings }
  const order = (namespaces: { type: string }[]) =>
    names(
      plan({
        linux: { namespaces, ...(namespaces.length > 1 && mapped) },
        config: { mounts: [{ destination: '/proc', type: 'proc' }] },
      }),
    ).filter((name) => ['pivotRoot', 'mount'].includes(name))
  t.deepEqual(order([{ type: 'mount' }]), ['pivotRoot', 'mount'])
  t.deepEqual(order([{ type: 'mount' }, { type: 'user' }]), ['mount', 'pivotRoot'])
})

test('names and kernel variables', (t) => {
  const made = plan({
    config: { hostname: 'h', domainname: 'd' },
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'uts' }, { type: 'network' }],
      sysctl: { 'net.ipv4.conf.eno2/100.rp_filter': '1', 'net/ipv4/conf/eno2.100/forwarding': '0' },
    },
  })
  t.deepEqual(steps(made, 'hostname'), [{ hostname: { name: 'h' } }])
  t.deepEqual(steps(made, 'domainname'), [{ domainname: { name: 'd' } }])
  t.deepEqual(steps(made, 'sysctl'), [
    { sysctl: { path: 'net/ipv4/conf/eno2.100/rp_filter', value: '1' } },
    { sysctl: { path: 'net/ipv4/conf/eno2.100/forwarding', value: '0' } },
  ])
})
