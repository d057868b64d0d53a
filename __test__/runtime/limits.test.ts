/** Limits are seen to hold, whoever keeps the cgroup: on this machine's controllers, of v1 or v2, by cgroupfs and by systemd. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { directoryOf, noV1, value } from '../harness/cgroups.js'
import { likeRunc } from '../harness/runtime.js'
import type { Finished, RunOptions, Session } from '../harness/session.js'
import { noSystemd, withSystemd } from '../harness/systemd.js'
import { until } from '../harness/until.js'

/** Why there are no controllers of v2 here; undefined when there are. */
const noV2 = /\bmemory\b/.test(existsSync(controllers()) ? readFileSync(controllers(), 'utf8') : '')
  ? undefined
  : 'cgroup v2 has no controllers here'

function controllers(): string {
  return '/sys/fs/cgroup/cgroup.controllers'
}

/** The numbers of the disk that /tmp is on, for limits of I/O; undefined where that is no whole disk that the kernel knows. */
const disk = diskOf('/tmp')

function diskOf(path: string): { major: number; minor: number } | undefined {
  const { dev } = statSync(path)
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)]
  return existsSync(`/sys/dev/block/${major}:${minor}/queue`) ? { major, minor } : undefined
}

for (const driver of ['cgroupfs', 'systemd'] as const) {
  const unless = (noV1 && noV2) ?? (driver === 'systemd' ? noSystemd : undefined)
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
    const [quota, period] = [20_000, 100_000]
    const running = run(session, 'while :; do :; done', { cpu: { quota, period } })
    const sample = () => {
      const at = performance.now() * 1000
      const stat = value(session, noV1 ? '' : 'cpu', 'cpu.stat')
      const number = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1])
      const used = noV1 ? number('usage_usec') : Number(value(session, 'cpuacct', 'cpuacct.usage')) / 1000
      return { at, used, throttled: number('nr_throttled') }
    }
    const isThere = () => existsSync(`${directoryOf(session, noV1 ? '' : 'cpu')}/cpu.stat`)
    const first = await until('it is held back', () => isThere() && sample().throttled > 0 && sample())
    const last = await until('it was held back for a while', () => {
      const now = sample()
      return now.throttled >= first.throttled + 30 && now
    })
    // No more than that in any time. No less in any period in which it was held back: in others the machine had no more for it.
    const used = last.used - first.used
    const most = used / (((last.at - first.at) * quota) / period)
    const least = used / ((last.throttled - first.throttled) * quota)
    t.true(most < 1.15 && least > 0.85, `${most} of what it may by the clock, ${least} by periods`)
    await session.ok(['delete', '--force', session.id()])
    await running
  })

  const noDisk = disk === undefined ? 'no disk of which the kernel limits I/O here' : undefined
  behaviour(`${driver}: I/O is as slow as its limit`, { ...options, unless: unless ?? noDisk }, async (t, session) => {
    const rate = 1 << 20
    const throttle = [{ ...disk, rate }]
    const start = performance.now()
    const script = 'dd if=/dev/zero of=/big bs=1M count=3 conv=fsync 2>&1; rm /big'
    const { code, stdout } = await run(session, script, { blockIO: { throttleWriteBpsDevice: throttle } })
    t.is(code, 0, stdout)
    t.true(performance.now() - start > 2000, `${performance.now() - start} ms`)
  })
}
