/** process.apparmorProfile where AppArmor is enabled: the virtual machine. */
import { existsSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc, ours, which } from '../harness/runtime.js'

const enabled = existsSync('/sys/kernel/security/apparmor/policy')
const unless = enabled && which('apparmor_parser') !== undefined ? undefined : 'AppArmor is not enabled here'

behaviour(
  'the program and what exec starts have the profile, and are held to it',
  { runtimes: likeRunc, unless },
  async (t, session) => {
    const profile = session.file(
      'profile',
      `profile ${session.mark} flags=(attach_disconnected) { file, signal receive peer=unconfined, deny /secret r, }`,
    )
    await session.shell(`apparmor_parser --add ${profile}`)
    session.bundle({
      args: ['sh', '-c', 'cat /proc/self/attr/current; cat /secret; echo $?; exec sleep 1000'],
      edit: (spec) => (spec.process.apparmorProfile = session.mark),
      rootfs: (path) => void session.shellSync('echo hidden >secret', path),
    })
    const running = session.start([...session.runtime.command, '--root', session.root, 'run', session.id()])
    const shown = await session
      .reaches('running')
      .then(() => session.ok(['exec', session.id(), 'cat', '/proc/self/attr/current']))
    t.is(shown, `${session.mark} (enforce)\n`)
    t.not((await session.run(['exec', session.id(), 'cat', '/secret'])).code, 0)
    await session.ok(['delete', '--force', session.id()])
    await running.finished
    t.is(running.stdout(), `${session.mark} (enforce)\n1\n`)
    await session.shell(`apparmor_parser --remove ${profile}`)
  },
)

behaviour('a profile that is not loaded is an error', { runtimes: ours, unless }, async (t, session) => {
  session.bundle({ edit: (spec) => (spec.process.apparmorProfile = 'none-such') })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /none-such/)
})
