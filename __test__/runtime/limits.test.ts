/** Limits are seen to hold, whoever keeps the cgroup: on cgroup v2 with all controllers, as the virtual machine has it. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc } from '../harness/runtime.js'
import type { Finished, RunOptions, Session } from '../harness/session.js'
import { noSystemd, withSystemd } from '../harness/systemd.js'
import { until } from '../harness/until.js'

const controllers = existsSync('/sys/fs/cgroup/cgroup.controllers')
  ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8')
  : ''
const noV2 = controllers.includes('memory') ? undefined : 'cgroup v2 has no controllers here'

for (const driver of ['cgroupfs', 'systemd'] as const) {
  const unless = noV2 ?? (driver === 'systemd' ? noSystemd : undefined)
  const options = { runtimes: likeRunc, unless }
  const by = (session: Session): RunOptions => (driver === 'systemd' ? withSystemd(session) : {})

  /** Runs a script with limits to its end. */
  const run = (session: Session, script: string, resources: object): Promise<Finished> => {
    session.bundle({
      args: ['sh', '-c', script],
      edit: (spec) => {
        spec.linux.resources = { ...resources }
        spec.linux.cgroupsPath = driver === 'systemd' ? `:box:${session.mark}` : `/${session.mark}`
      },
    })
    return session.run(['run', session.id()], by(session))
  }

  behaviour(`${driver}: a process that needs more memory than it may is killed`, options, async (t, session) => {
    const memory = { limit: 16 << 20, swap: 16 << 20 }
    t.is((await run(session, 'tail /dev/zero; exit $?', { memory })).code, 137)
  })

  behaviour(`${driver}: a fork above the limit of processes fails`, options, async (t, session) => {
    const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; kill -9 -1'
    t.regex((await run(session, script, { pids: { limit: 5 } })).stderr, /can't fork: Resource temporarily unavailable/)
  })

  behaviour(`${driver}: processes run on the processors that they may`, options, async (t, session) => {
    const { stdout } = await run(session, 'nproc; grep Cpus_allowed_list: /proc/self/status', { cpu: { cpus: '1' } })
    t.is(stdout, '1\nCpus_allowed_list:\t1\n')
  })

  behaviour(`${driver}: a quota of CPU time holds within 15 %`, options, async (t, session) => {
    const running = run(session, 'while :; do :; done', { cpu: { quota: 20_000, period: 100_000 } })
    const scope = driver === 'systemd' ? `system.slice/box-${session.mark}.scope` : session.mark
    const file = `/sys/fs/cgroup/${scope}/cpu.stat`
    const usage = () => Number(/^usage_usec (\d+)/.exec(readFileSync(file, 'utf8'))?.[1])
    await until('it runs', () => existsSync(file) && usage() > 100_000)
    const [before, start] = [usage(), performance.now()]
    await delay(4000)
    const share = (usage() - before) / 1000 / (performance.now() - start)
    t.true(share > 0.17 && share < 0.23, `${share} of a processor`)
    await session.ok(['delete', '--force', session.id()])
    await running
  })

  behaviour(`${driver}: writing is as slow as its limit`, options, async (t, session) => {
    const { dev } = statSync(session.dir)
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)]
    const throttleWriteBpsDevice = [{ major, minor, rate: 1 << 20 }]
    const start = performance.now()
    const script = 'dd if=/dev/zero of=/big bs=1M count=4 conv=fsync 2>&1; rm /big'
    const { code, stdout } = await run(session, script, { blockIO: { throttleWriteBpsDevice } })
    t.is(code, 0, stdout)
    t.true(performance.now() - start > 3000)
  })
}
