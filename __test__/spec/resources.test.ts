/** linux.resources: its schema, and what its fields have to do with each other. */
import test from 'ava'
import { checkSpec } from '../../src/spec/parse.js'

function check(resources: object) {
  return checkSpec('config.json', {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' },
    linux: { resources },
  })
}

const device = { major: 8, minor: 0 }

test('all that there is of it is taken', (t) => {
  const all = {
    devices: [{ allow: false, type: 'c', major: -1, minor: 3, access: 'rw' }],
    memory: {
      limit: -1,
      reservation: 0,
      swap: 9223372036854775807n,
      kernel: -1,
      kernelTCP: 0,
      swappiness: 18446744073709551615n,
      disableOOMKiller: true,
      useHierarchy: true,
      checkBeforeUpdate: true,
    },
    cpu: {
      shares: 18446744073709551615n,
      quota: -1,
      period: 1,
      burst: 1,
      realtimeRuntime: 1,
      realtimePeriod: 1,
      idle: 1,
    },
    pids: { limit: 0 },
    blockIO: {
      weight: 10,
      leafWeight: 1000,
      weightDevice: [
        { ...device, weight: 10 },
        { ...device, leafWeight: 1000 },
      ],
      throttleReadBpsDevice: [{ ...device, rate: 0 }],
      throttleWriteBpsDevice: [{ ...device, rate: 18446744073709551615n }],
      throttleReadIOPSDevice: [],
    },
    hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
    rdma: { mlx5_0: { hcaHandles: 3 } },
    network: { classID: 4294967295, priorities: [{ name: 'eth0', priority: 1 }] },
    unified: { 'memory.high': '1' },
  }
  t.deepEqual<unknown, unknown>(check(all).linux?.resources, all)
})

const wrong: readonly (readonly [resources: object, message: string])[] = [
  [{ memory: { limit: -2 } }, 'memory.limit: expected a whole number from -1 to 9223372036854775807, found -2'],
  [{ memory: { swappiness: 101 } }, 'memory.swappiness: expected a whole number from 0 to 100, found 101'],
  [{ memory: { disableOOMKiller: 1 } }, 'memory.disableOOMKiller: expected true or false, found 1'],
  [{ cpu: { idle: 2 } }, 'cpu.idle: expected a whole number from 0 to 1, found 2'],
  [
    { cpu: { realtimePeriod: -1 } },
    'cpu.realtimePeriod: expected a whole number from 0 to 18446744073709551615, found -1',
  ],
  [{ blockIO: { weight: 1001 } }, 'blockIO.weight: expected a whole number from 0 to 1000, found 1001'],
  [{ blockIO: { weight: 9 } }, 'blockIO.weight: expected a whole number from 10 to 1000, found 9'],
  [{ blockIO: { weightDevice: [device] } }, 'blockIO.weightDevice[0]: expected weight, leafWeight or both'],
  [
    { blockIO: { weightDevice: [{ ...device, weight: 5 }] } },
    'blockIO.weightDevice[0].weight: expected a whole number from 10 to 1000, found 5',
  ],
  [
    { blockIO: { throttleReadBpsDevice: [{ ...device, rate: -1 }] } },
    'blockIO.throttleReadBpsDevice[0].rate: expected a whole number from 0 to 18446744073709551615, found -1',
  ],
  [
    { blockIO: { throttleReadBpsDevice: [{ rate: 1, minor: 1 }] } },
    'blockIO.throttleReadBpsDevice[0].major: expected a whole number from 0 to 4294967295, found nothing',
  ],
  [
    { hugepageLimits: [{ pageSize: '2M', limit: 1 }] },
    'hugepageLimits[0].pageSize: expected a size such as 2MB, found "2M"',
  ],
  [
    { hugepageLimits: [{ pageSize: '../x2MB', limit: 1 }] },
    'hugepageLimits[0].pageSize: expected a size such as 2MB, found "../x2MB"',
  ],
  [{ rdma: { mlx: {} } }, 'rdma["mlx"]: expected hcaHandles, hcaObjects or both'],
  [
    { network: { priorities: [{ name: 'eth0 5\neth1', priority: 1 }] } },
    'network.priorities[0].name: expected the name of a network interface, found "eth0 5\\neth1"',
  ],
]

for (const [resources, message] of wrong) {
  test(`wrong: ${message}`, (t) => {
    t.throws(() => check(resources), { name: 'SpecError', message: `config.json: linux.resources.${message}` })
  })
}
