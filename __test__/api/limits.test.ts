/** Limits of containers, and what they use, from Node. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { create, type Resources } from '../../src/index.js'
import { apiTest } from '../harness/api.js'
import { noV1 } from '../harness/cgroups.js'
import { markedCgroups } from '../harness/machine.js'

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
