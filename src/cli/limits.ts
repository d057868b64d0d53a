/** Limits as `update` has them on its command line. */

import { type Host, HostFailure } from '../host/host.js'
import { baseName } from '../lifecycle/paths.js'
import type { Integer, ThrottleDevice } from '../spec/spec.js'
import { parseSize } from './sizes.js'
import { usageError } from './usage.js'

/** Bytes, with a suffix or without; -1 and `max` are no limit. */
export function size(option: string, text: string | undefined): Integer | undefined {
  if (text === undefined) return undefined
  return text === '-1' ? -1 : (parseSize(option, text) ?? -1)
}

/** A whole number of up to 64 bits. */
export function integer(option: string, text: string | undefined): Integer | undefined {
  if (text === undefined) return undefined
  if (!/^-?[0-9]+$/.test(text)) throw usageError(`invalid number "${text}" for ${option}`)
  const exact = BigInt(text)
  return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact
}

/** Rates of devices: `/dev/sda:1m`, `8:0:1m`. Undefined without any. */
export async function rates(
  host: Host,
  option: string,
  entries: readonly string[],
  parse: (option: string, text: string) => Integer | undefined,
): Promise<ThrottleDevice[] | undefined> {
  const devices: ThrottleDevice[] = []
  for (const entry of entries) {
    const [, device = '', text = ''] = /^(\/dev\/.+|[0-9]+:[0-9]+):([^:]+)$/.exec(entry) ?? []
    const rate = device === '' ? undefined : parse(option, text)
    if (rate === undefined) {
      throw usageError(`invalid rate "${entry}" for ${option}: expected /dev/NAME:RATE or MAJOR:MINOR:RATE`)
    }
    const [major, minor] = (device.startsWith('/') ? await numbersOf(host, option, device) : device).split(':')
    devices.push({ major: Number(major), minor: Number(minor), rate })
  }
  return devices.length > 0 ? devices : undefined
}

/** `8:0`: what the kernel calls a block device by this name. */
async function numbersOf(host: Host, option: string, path: string): Promise<string> {
  try {
    return await host.readText(`/sys/class/block/${baseName(path)}/dev`)
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error
    throw usageError(`${option}: ${path} is not a block device that the kernel knows by this name`)
  }
}
