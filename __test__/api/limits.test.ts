/** Limits of containers, and what they use, from Node. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { create, type Resources, run } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { noV1 } from '../harness/cgroups.js'
import { markedCgroups } from '../harness/machine.js'
import { until } from '../harness/until.js'

const v1Test: typeof apiTest = (title, body) =>
  noV1 === undefined ? apiTest(title, body) : void test.skip(`${title} (${noV1})`, () => undefined)

function value(id: string, hierarchy: string, file: string): string {
  return readFileSync(`${markedCgroups(id, `/sys/fs/cgroup/${hierarchy}`).at(-1)}/${file}`, 'utf8').trim()
}

v1Test('update changes limits, all that are given or none', async (t, { root, id, bundle }) => {
  await using container = await create(bundle(['sleep', '60']), { root, id })
  await container.start()
  const given: Resources = { memory: { limit: 64 << 20, swap: -1 }, pids: { limit: 7 }, cpu: { shares: 300n } }
  await container.update(given)
  t.is(value(id, 'memory', 'memory.limit_in_bytes'), String(64 << 20))
  t.is(value(id, 'pids', 'pids.max'), '7')
  t.is(value(id, 'cpu', 'cpu.shares'), '300')
  t.deepEqual(given, { memory: { limit: 64 << 20, swap: -1 }, pids: { limit: 7 }, cpu: { shares: 300n } })
  for (const [resources, code, message] of [
    [{ pids: { limit: 9 }, cpu: { cpus: '0-9999' } }, 'ERR_CGROUP', /cpuset\.cpus/],
    [
      { pids: { limit: 9 }, unified: { 'memory.high': '5' } },
      'ERR_CGROUP',
      /unified\["memory\.high"\]: needs cgroup v2/,
    ],
    [{ pids: { limit: 9.5 } }, 'ERR_INVALID_SPEC', /resources: pids\.limit: expected a whole number/],
  ] as const) {
    await t.throwsAsync(container.update(resources), { code, message })
    t.is(value(id, 'pids', 'pids.max'), '7')
  }
  await container.kill('KILL')
  await container.wait()
  await t.throwsAsync(container.update({ pids: { limit: 9 } }), { code: 'ERR_NOT_RUNNING' })
})

v1Test('stats tell what a container uses, and the result what it used', async (t, { root, id, bundle }) => {
  const path = bundle(['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null; sleep 60'], (spec) => {
    spec.linux.resources = { memory: { limit: 64 << 20 }, pids: { limit: 9 } }
  })
  await using container = await create(path, { root, id })
  await container.start()
  await until('it has used memory', async () => ((await container.stats()).memory.peak ?? 0) > 6_000_000)
  const { memory, pids, cpu, oomKills } = await container.stats()
  t.is(memory.limit, 64 << 20)
  t.is(pids.limit, 9)
  t.is(oomKills, 0)
  t.true((memory.current ?? 0) > 0 && (cpu.totalMs ?? 0) > 0)
  await container.kill('KILL')
  const { usage, oomKilled } = await container.wait()
  t.false(oomKilled)
  t.true((usage?.memory.peak ?? 0) > 6_000_000)
  t.is(usage?.pids.current, 0)
})

v1Test('watch yields what happens until the last process has ended', async (t, { root, id, bundle }) => {
  const greedy = 'while read -r go; do dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; done'
  const path = bundle(['sh', '-c', greedy], (spec) => {
    spec.linux.resources = { memory: { limit: 16 << 20 } }
  })
  await using container = await create(path, { root, id, input: 'go\ngo\n' })
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of container.watch({ interval: 10 })) {
      if (event.type === 'stats' && seen.length === 0) await container.start()
      if (event.type === 'oom' || seen.length === 0) seen.push(event.type)
    }
  })()
  const { oomKilled, usage } = await container.wait()
  await watching
  t.deepEqual(seen, ['stats', 'oom', 'oom'])
  t.true(oomKilled)
  t.is(usage?.oomKills, 2)
  await t.throwsAsync(container.watch().next(), { code: 'ERR_NOT_RUNNING' })
  await t.throwsAsync(container.watch({ interval: 0 }).next(), { code: 'ERR_INVALID_ARGUMENT' })
})

v1Test('a loop that is left is through, and the container goes on', async (t, { root, id, bundle }) => {
  await using container = await create(bundle(['sleep', '60']), { root, id })
  for await (const event of container.watch({ interval: 5 })) {
    t.is(event.type, 'stats')
    break
  }
  t.is((await container.state()).status, 'created')
})

v1Test('run tells of a want of memory', async (t, { root }) => {
  const result = await run(['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'], {
    root,
    limits: { memory: 16 << 20 },
  })
  t.is(result.signal, 'SIGKILL')
  t.true(result.oomKilled)
  t.is(result.usage?.memory.limit, 16 << 20)
  t.false((await run(['true'], { root })).oomKilled)
})
