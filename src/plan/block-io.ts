/**
 * linux.resources.blockIO as values for the controllers blkio (v1) and io (v2): blkio-controller.rst, cgroup-v2.rst.
 *
 * Weights are those of the BFQ scheduler where its files are there. Else v1 has those of CFQ, which Linux 5.0 removed, and
 * v2 has io.weight, on another scale.
 */
import type { BlockIO, Integer, ThrottleDevice } from '../spec/spec.js'
import { given, inexpressible, type Setting } from './setting.js'

/** The lists of limits, each with its file on v1 and its name in io.max on v2. */
const THROTTLES = [
  ['throttleReadBpsDevice', 'read_bps', 'rbps'],
  ['throttleWriteBpsDevice', 'write_bps', 'wbps'],
  ['throttleReadIOPSDevice', 'read_iops', 'riops'],
  ['throttleWriteIOPSDevice', 'write_iops', 'wiops'],
] as const

export function blockIoSettings(blockIO: BlockIO = {}, version: 1 | 2): Setting[] {
  const settings: Setting[] = []
  const { weight, leafWeight, weightDevice = [] } = blockIO
  if (given(weight)) settings.push(weightSetting('blockIO.weight', weight, version))
  if (given(leafWeight)) settings.push(leafSetting('blockIO.leafWeight', 'leaf_weight', String(leafWeight), version))
  for (const [index, { major, minor, weight, leafWeight }] of weightDevice.entries()) {
    const field = `blockIO.weightDevice[${index}]`
    const device = `${major}:${minor}`
    if (given(weight)) settings.push(weightSetting(`${field}.weight`, weight, version, device))
    if (given(leafWeight)) {
      settings.push(leafSetting(`${field}.leafWeight`, 'leaf_weight_device', `${device} ${leafWeight}`, version))
    }
  }
  for (const [list, file, name] of THROTTLES) {
    for (const [index, device] of (blockIO[list] ?? []).entries()) {
      const field = `blockIO.${list}[${index}]`
      settings.push({ field, isDefault: !given(device.rate), ...throttle(device, file, name, version) })
    }
  }
  return settings
}

function weightSetting(field: string, weight: Integer, version: 1 | 2, device?: string): Setting {
  const line = (value: Integer) => (device === undefined ? String(value) : `${device} ${value}`)
  const ofDevice = device === undefined ? '' : '_device'
  return version === 1
    ? {
        field,
        file: `blkio.bfq.weight${ofDevice}`,
        value: line(weight),
        otherwise: { write: { file: `blkio.weight${ofDevice}`, value: line(weight) } },
      }
    : {
        field,
        file: 'io.bfq.weight',
        value: line(weight),
        otherwise: { write: { file: 'io.weight', value: line(toIoWeight(weight)) } },
      }
}

/** 10…1000 to 1…10000, in a straight line. */
export function toIoWeight(weight: Integer): bigint {
  return 1n + ((BigInt(weight) - 10n) * 9999n) / 990n
}

function leafSetting(field: string, file: string, value: string, version: 1 | 2): Setting {
  if (version === 2) throw inexpressible(field, version)
  return { field, file: `blkio.${file}`, value }
}

/** A rate of 0 takes the limit away. */
function throttle({ major, minor, rate }: ThrottleDevice, file: string, name: string, version: 1 | 2) {
  const device = `${major}:${minor}`
  return version === 1
    ? { file: `blkio.throttle.${file}_device`, value: `${device} ${rate}` }
    : { file: 'io.max', value: `${device} ${name}=${given(rate) ? rate : 'max'}` }
}
