/** Amounts as people write them. */
import { usageError } from './usage.js'

const units = ['', 'k', 'm', 'g', 't']

/** Bytes: `1048576`, `512m`, `1.5g`, `64MiB`; `max` is no limit. */
export function parseSize(option: string, text: string): number | undefined {
  if (text === 'max') return undefined
  const [, digits = '', unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([kmgt]?)(?:i?b)?$/.exec(text.toLowerCase()) ?? []
  const bytes = Math.floor(Number(digits) * 1024 ** units.indexOf(unit))
  if (digits === '' || !Number.isSafeInteger(bytes)) throw usageError(`invalid size "${text}" for ${option}`)
  return bytes
}

/** A whole number; `max` is no limit. */
export function parseCount(option: string, text: string): number | undefined {
  if (text === 'max') return undefined
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw usageError(`invalid number "${text}" for ${option}`)
  }
  return Number(text)
}
