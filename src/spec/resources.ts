/** What linux.resources looks like, in a config.json and in an update, and what its fields have to do with each other. */
import {
  arr,
  type Check,
  describe,
  flag,
  INT64_MAX,
  int,
  lazy,
  like,
  obj,
  rec,
  text,
  UINT32_MAX,
  UINT64_MAX,
  wide,
} from './check.js'
import type {
  BlockIO,
  CpuResources,
  DeviceRule,
  HugepageLimit,
  MemoryResources,
  Network,
  Resources,
  ThrottleDevice,
  WeightDevice,
} from './spec.js'

const limit = wide(-1n, INT64_MAX)
const count = wide(0n, UINT64_MAX)
const uint32 = int(0, UINT32_MAX)

const devices = lazy(() => {
  const number = int(-1, UINT32_MAX)
  return arr(
    obj<DeviceRule>(
      { allow: flag },
      {
        type: like("one of 'a', 'b', 'c'", /^[abc]?$/),
        major: number,
        minor: number,
        access: like("letters of 'rwm'", /^[rwm]*$/),
      },
    ),
  )
})

const memory = lazy(() =>
  obj<MemoryResources>(
    {},
    {
      limit,
      reservation: limit,
      swap: limit,
      kernel: limit,
      kernelTCP: limit,
      swappiness: wide(-1n, UINT64_MAX),
      disableOOMKiller: flag,
      useHierarchy: flag,
      checkBeforeUpdate: flag,
    },
  ),
)

const cpu = lazy(() =>
  obj<CpuResources>(
    {},
    {
      shares: count,
      quota: limit,
      period: count,
      burst: count,
      realtimeRuntime: limit,
      realtimePeriod: count,
      idle: int(0, 1),
      cpus: text,
      mems: text,
    },
  ),
)

const blockIO = lazy(() => {
  const device = { major: uint32, minor: uint32 }
  const throttled = arr(obj<ThrottleDevice>({ ...device, rate: count }, {}))
  return obj<BlockIO>(
    {},
    {
      weight: int(0, 1000),
      leafWeight: int(0, 1000),
      weightDevice: arr(obj<WeightDevice>(device, { weight: int(0, 1000), leafWeight: int(0, 1000) })),
      throttleReadBpsDevice: throttled,
      throttleWriteBpsDevice: throttled,
      throttleReadIOPSDevice: throttled,
      throttleWriteIOPSDevice: throttled,
    },
  )
})

const hugepageLimits = lazy(() =>
  arr(obj<HugepageLimit>({ pageSize: like('a size such as 2MB', /^[1-9][0-9]*[KMG]B$/), limit: count }, {})),
)

const rdma = lazy(() =>
  rec(obj<{ hcaHandles?: number; hcaObjects?: number }>({}, { hcaHandles: uint32, hcaObjects: uint32 })),
)

const network = lazy(() =>
  obj<Network>(
    {},
    {
      classID: uint32,
      priorities: arr(
        obj<{ name: string; priority: number }>(
          { name: like('the name of a network interface', /^[^\s/]{1,15}$/), priority: uint32 },
          {},
        ),
      ),
    },
  ),
)

export const resources: Check<Resources> = lazy(() =>
  obj<Resources>(
    {},
    {
      devices,
      memory,
      cpu,
      pids: obj<{ limit?: number | bigint }>({}, { limit }),
      blockIO,
      hugepageLimits,
      rdma,
      network,
      unified: rec(text),
    },
  ),
)

/** The rules that a section breaks, each as its field and what is wrong; `prefix` is what the fields are below: `linux.resources.`. */
export function brokenResourceRules(prefix: string, { memory, blockIO, rdma }: Resources): string[] {
  return [
    ...swappiness(`${prefix}memory.swappiness`, memory),
    ...weights(`${prefix}blockIO`, blockIO),
    ...Object.entries(rdma ?? {}).flatMap(([device, { hcaHandles, hcaObjects }]) =>
      hcaHandles === undefined && hcaObjects === undefined
        ? [`${prefix}rdma[${JSON.stringify(device)}]: expected hcaHandles, hcaObjects or both`]
        : [],
    ),
  ]
}

function swappiness(field: string, { swappiness }: MemoryResources = {}): string[] {
  if (swappiness === undefined || swappiness <= 100 || swappiness === UINT64_MAX) return []
  return [`${field}: expected a whole number from 0 to 100, found ${describe(swappiness)}`]
}

/** 0 is "not set". */
function weights(path: string, { weight, leafWeight, weightDevice = [] }: BlockIO = {}): string[] {
  const check = (field: string, value: number | undefined): string[] =>
    value !== undefined && value > 0 && value < 10
      ? [`${field}: expected a whole number from 10 to 1000, found ${value}`]
      : []
  return [
    ...check(`${path}.weight`, weight),
    ...check(`${path}.leafWeight`, leafWeight),
    ...weightDevice.flatMap((device, index) => {
      const field = `${path}.weightDevice[${index}]`
      if (!device.weight && !device.leafWeight) return [`${field}: expected weight, leafWeight or both`]
      return [...check(`${field}.weight`, device.weight), ...check(`${field}.leafWeight`, device.leafWeight)]
    }),
  ]
}
