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
  t.deepEqual(names(made).slice(0, 4), ['hostPropagation', 'rootfs', 'readonlyPath', 'mount'])
  t.deepEqual(steps(made, 'readonlyPath'), [{ readonlyPath: { path: '/' } }])
})

test('a working directory is made before the root is entered', (t) => {
  t.deepEqual(
    names(plan({ process: { cwd: '/work' } })).filter((name) =>
      ['directory', 'pivotRoot', 'workingDirectory'].includes(name),
    ),
    ['directory', 'pivotRoot', 'workingDirectory'],
  )
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
