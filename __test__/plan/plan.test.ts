import test from 'ava'
import { planContainer } from '../../src/plan/plan.js'
import { defaultConfig } from '../../src/spec/default.js'
import { parseSpec } from '../../src/spec/parse.js'
import { nameOf, plan, REQUEST, ROOT, steps } from './fixtures.js'

/** What tells steps of the same name apart. */
function summary(text: string): string[] {
  const spec = parseSpec('config.json', text)
  return planContainer(spec, REQUEST, ROOT).plan.init.steps.map((step) => {
    const name = nameOf(step)
    const first = typeof step === 'string' ? undefined : Object.values(Object.values(step)[0] ?? {})[0]
    return typeof first === 'string' || typeof first === 'number' ? `${name} ${first}` : name
  })
}

test('the order of the launch', (t) => {
  t.deepEqual(summary(defaultConfig({ cgroup2: true })), [
    'loopbackUp',
    'hostPropagation slave',
    'rootfs /bundle/rootfs',
    'mount /proc',
    'mount /dev',
    'mount /dev/pts',
    'mount /dev/shm',
    'mount /dev/mqueue',
    'mount /sys',
    'mount /sys/fs/cgroup',
    'device /dev/null',
    'device /dev/random',
    'device /dev/full',
    'device /dev/tty',
    'device /dev/zero',
    'device /dev/urandom',
    'link pts/ptmx',
    'link /proc/self/fd',
    'link /proc/self/fd/0',
    'link /proc/self/fd/1',
    'link /proc/self/fd/2',
    'link /proc/kcore',
    'pivotRoot',
    'terminal 0',
    'newSession',
    'sessionKeyring _ses.c1',
    'readonlyRoot',
    'hostname runc',
    'readonlyPath /proc/bus',
    'readonlyPath /proc/fs',
    'readonlyPath /proc/irq',
    'readonlyPath /proc/sys',
    'readonlyPath /proc/sysrq-trigger',
    'maskedPath /proc/acpi',
    'maskedPath /proc/asound',
    'maskedPath /proc/kcore',
    'maskedPath /proc/keys',
    'maskedPath /proc/latency_stats',
    'maskedPath /proc/timer_list',
    'maskedPath /proc/timer_stats',
    'maskedPath /proc/sched_debug',
    'maskedPath /sys/firmware',
    'maskedPath /proc/scsi',
    'umask 18',
    'rlimit 7',
    'credentials 0',
    'workingDirectory /',
    'findProgram',
    'commit',
    'gate',
    'noNewPrivileges',
    'exec',
  ])
})

test('what the engine does beside init', (t) => {
  const { init, ...rest } = plan({
    config: { annotations: { a: 'b' } },
    process: { oomScoreAdj: -5 },
    request: { pidFile: '/p', consoleSocket: '/c', pidfdSocket: '/d', notify: true, stdio: [4, -1, 5] },
  })
  const { cgroup, ...others } = rest
  t.deepEqual(others, {
    record: {
      root: '/run/gantry',
      id: 'c1',
      ociVersion: '1.3.0',
      bundle: '/bundle',
      rootfs: '/bundle/rootfs',
      created: '2026-01-01T00:00:00Z',
      annotations: { a: 'b' },
    },
    pidFile: '/p',
    oomScoreAdj: -5,
    descriptors: { stdio: [4, -1, 5], inherit: [] },
    consoleSocket: '/c',
    pidfdSocket: '/d',
    notifyDirectory: true,
  })
})

test('nothing is written that was not asked for', (t) => {
  t.deepEqual(Object.keys(plan()), ['record', 'cgroup', 'descriptors', 'notifyDirectory', 'init'])
})

test('without a gate the program starts at once', (t) => {
  t.deepEqual(steps(plan({ request: { gate: false } }), 'gate'), [])
})

test('a plan is plain JSON, exact limits included', (t) => {
  const made = plan({ process: { rlimits: [{ type: 'RLIMIT_AS', soft: 1, hard: 18446744073709551615n }] } })
  t.deepEqual(JSON.parse(JSON.stringify(made)), made)
  t.deepEqual(steps(made, 'rlimit'), [{ rlimit: { resource: 9, soft: '1', hard: '18446744073709551615' } }])
})
