/** linux.resources.memory as values for the memory controller: cgroup-v1/memory.rst, cgroup-v2.rst of the admin-guide. */
import type { Integer, MemoryResources } from '../spec/spec.js'
import { PlanError } from './error.js'
import { given, inexpressible, isUnlimited, orMax, type Setting } from './setting.js'

/** `update`: of a container that is there. */
export function memorySettings(memory: MemoryResources = {}, version: 1 | 2, update: boolean): Setting[] {
  checkSwap(memory)
  const { limit, reservation, swap, kernel, kernelTCP, checkBeforeUpdate } = memory
  if (given(kernel) && !isUnlimited(kernel)) {
    throw new PlanError(
      'cgroup',
      'linux.resources.memory.kernel',
      'the kernel has had no such limit since Linux 5.16: its memory counts in memory.limit',
    )
  }
  const v1 = version === 1
  const settings: Setting[] = []
  const set = (field: string, file: string, value: string, more: Partial<Setting> = {}): void => {
    settings.push({ field: `memory.${field}`, file: `memory.${file}`, value, ...more })
  }
  const text = (value: Integer) => (v1 ? String(value) : orMax(value))

  if (given(reservation)) {
    const isDefault = isUnlimited(reservation)
    set('reservation', v1 ? 'soft_limit_in_bytes' : 'low', text(reservation), { isDefault })
  }
  if (given(kernelTCP)) {
    const isDefault = isUnlimited(kernelTCP)
    if (v1) set('kernelTCP', 'kmem.tcp.limit_in_bytes', text(kernelTCP), { isDefault })
    else if (!isDefault) throw inexpressible('memory.kernelTCP', version)
  }
  if (isSwappiness(memory.swappiness)) {
    if (!v1) throw inexpressible('memory.swappiness', version)
    set('swappiness', 'swappiness', String(memory.swappiness))
  }
  if (memory.disableOOMKiller !== undefined) {
    const disable = memory.disableOOMKiller
    // Docker always says false, and a new cgroup has nothing to take back.
    if (v1 && (disable || update)) set('disableOOMKiller', 'oom_control', disable ? '1' : '0', { isDefault: !disable })
    else if (!v1 && disable) throw inexpressible('memory.disableOOMKiller', version)
  }
  // useHierarchy says nothing any more: since Linux 5.11 a limit always holds for what is below, too.
  if (given(limit)) {
    const check = checkBeforeUpdate && !isUnlimited(limit)
    set('limit', v1 ? 'limit_in_bytes' : 'max', text(limit), {
      isDefault: isUnlimited(limit),
      ...(check && { atLeast: v1 ? 'memory.usage_in_bytes' : 'memory.current' }),
    })
  }
  const value = swapValue(limit, swap, version)
  if (value !== undefined) {
    const unlimited = value === '-1' || value === 'max'
    set('swap', v1 ? 'memsw.limit_in_bytes' : 'swap.max', value, {
      isDefault: unlimited,
      // A kernel without accounting of swap has no such file, one without swap neither: then nothing can be limited, and "none"
      // and "any" are so already.
      ...((unlimited || value === '0') && { otherwise: 'nothing' }),
    })
  }
  return settings
}

/** The unset value comes as -1, from Docker, or as its 64 bits without a sign, from podman. */
function isSwappiness(value: Integer | undefined): boolean {
  return value !== undefined && value >= 0 && value <= 100
}

/** v1 limits memory and swap together, v2 swap alone. Without any limit of memory there is none of swap. */
function swapValue(limit: Integer | undefined, swap: Integer | undefined, version: 1 | 2): string | undefined {
  if (given(swap) && !isUnlimited(swap)) return String(version === 1 ? swap : BigInt(swap) - BigInt(limit ?? 0))
  if (isUnlimited(swap) || isUnlimited(limit)) return version === 1 ? '-1' : 'max'
  return undefined
}

function checkSwap({ limit, swap }: MemoryResources): void {
  if (!given(swap) || isUnlimited(swap)) return
  const field = 'linux.resources.memory.swap'
  if (!given(limit) || isUnlimited(limit)) throw new PlanError('request', field, 'needs a limit of memory too')
  if (swap < limit)
    throw new PlanError('request', field, `${swap}, memory and swap together, is less than the limit ${limit}`)
}
