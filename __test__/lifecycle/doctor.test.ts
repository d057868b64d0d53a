/** `doctor`: each obstacle is found where it lies, and told with what helps. */
import test from 'ava'
import { fakeHost } from '../../src/host/fake.js'
import { type Check, diagnose } from '../../src/lifecycle/doctor.js'

const files = {
  '/proc/self/uid_map': '0 0 4294967295\n',
  '/proc/sys/user/max_user_namespaces': '15000\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
  '/sys/kernel/security/lsm': 'capability,apparmor',
  '/proc/filesystems': 'nodev\tproc\nnodev\toverlay\n',
}
const cgroups = [{ mount: '/sys/fs/cgroup', version: 2, controllers: ['cpu', 'memory', 'pids'], own: '/' }] as const
const root = { kernel: '6.18.0', euid: 0, capabilities: [21], inUserNamespace: false, cgroups }
const user = { ...root, euid: 1000, capabilities: [] }
const works = () => Promise.resolve()
const programs = {
  'test -w /sys/fs/cgroup/memory/': { ok: false },
  'sh -c command -v newuidmap': { ok: false },
}

async function check(id: Check['id'], facts: object, more: Readonly<Record<string, string>> = {}): Promise<Check> {
  const host = fakeHost({ facts, files: { ...files, ...more }, programs })
  const found = (await diagnose(host, works)).checks.find((one) => one.id === id)
  if (found === undefined) throw new Error(`no check ${id}`)
  return found
}

test('a machine that has everything is well', async (t) => {
  const { ok, checks } = await diagnose(fakeHost({ facts: root, files, programs }), works)
  t.true(ok)
  t.deepEqual(
    checks.filter(({ status }) => status !== 'ok'),
    [],
  )
})

test('an old kernel fails', async (t) => {
  t.is((await check('kernel', { ...root, kernel: '5.11.9' })).status, 'fail')
  t.is((await check('kernel', { ...root, kernel: '5.12.0-x' })).status, 'ok')
})

test('what keeps a user from user namespaces is named', async (t) => {
  const none = { '/proc/sys/user/max_user_namespaces': '0\n' }
  t.like(await check('user-namespaces', user, none), { status: 'fail', hint: 'sysctl user.max_user_namespaces=15000' })
  t.is((await check('user-namespaces', root, none)).status, 'warn')
  const debian = { '/proc/sys/kernel/unprivileged_userns_clone': '0\n' }
  t.like(await check('user-namespaces', user, debian), { status: 'fail', detail: 'for root only' })
  t.is((await check('user-namespaces', root, debian)).status, 'ok')
  const ubuntu = { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' }
  t.regex((await check('user-namespaces', user, ubuntu)).hint ?? '', /AppArmor profile/)
})

test('missing id ranges are told to a user', async (t) => {
  t.regex((await check('id-ranges', user)).hint ?? '', /usermod --add-subuids/)
  const ranges = { '/etc/subuid': '1000:100000:65536\n', '/etc/subgid': '1000:100000:65536\n' }
  t.regex((await check('id-ranges', user, ranges)).detail, /newuidmap is not installed/)
})

test('cgroups: the layout, what is missing, whether we may write', async (t) => {
  t.like(await check('cgroups', root), { status: 'ok', detail: 'v2' })
  const v1 = { mount: '/sys/fs/cgroup/memory', version: 1, controllers: ['memory'], own: '/' }
  t.regex((await check('cgroups', { ...root, cgroups: [v1] })).detail, /^v1, without cpu, pids, not for us to write$/)
  t.regex((await check('cgroups', { ...root, cgroups: [] })).detail, /none/)
})

test('no seccomp fails, no overlayfs warns', async (t) => {
  t.is((await check('seccomp', root, { '/proc/sys/kernel/seccomp/actions_avail': '' })).status, 'fail')
  t.is((await check('overlay', root, { '/proc/filesystems': 'ext4\n' })).status, 'warn')
})

test('a sandbox that does not start fails with its reason', async (t) => {
  const broken = () => Promise.reject(new Error('no'))
  const { ok, checks } = await diagnose(fakeHost({ facts: root, files, programs }), broken)
  t.false(ok)
  t.like(checks.at(-1), { id: 'sandbox', status: 'fail', detail: 'internal error: Error: no' })
})
