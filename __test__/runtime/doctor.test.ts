/** `doctor` on the machine as it is. */
import { behaviour } from '../harness/behaviour.js'
import { ours } from '../harness/runtime.js'
import { noUserNamespaces, unprivileged } from '../harness/user.js'

behaviour(
  'doctor finds that a sandbox runs here, and says what it looked at',
  { runtimes: ours },
  async (t, session) => {
    const { code, stdout } = await session.run(['doctor'])
    t.is(code, 0, stdout)
    t.regex(stdout, /^ok +kernel +Linux \d/m)
    t.regex(stdout, /^ok +sandbox +a command ran in one$/m)
    const { ok, checks } = JSON.parse(await session.ok(['doctor', '--format', 'json']))
    t.true(ok)
    t.deepEqual(checks.map(({ id }: { id: string }) => id).slice(0, 3), ['kernel', 'user-namespaces', 'cgroups'])
    t.regex((await session.run(['doctor', '--format', 'xml'])).stderr, /invalid format: xml/)
  },
)

behaviour(
  'doctor runs for a user without privileges too',
  { runtimes: ours, unprivileged: true, unless: noUserNamespaces },
  async (t, session) => {
    session.openToEveryone()
    const root = session.directory('own-state')
    session.stateRoots.push(root)
    session.shellSync(`chmod 777 ${root}`)
    const { through } = unprivileged
    const { stdout } = await session.run(['doctor'], { global: ['--root', root], cwd: '/', through })
    t.regex(stdout, /^ok +sandbox/m)
    t.regex(stdout, /^warn +cgroups .*not for us to write$/m)
  },
)
