import { Command, Option } from 'clipanion'
import { updateContainer } from '../../lifecycle/update.js'
import type { CacheShares } from '../../plan/resctrl.js'
import { isObject } from '../../spec/json.js'
import { checkResources, parseResources } from '../../spec/parse.js'
import type { Resources } from '../../spec/spec.js'
import { GantryCommand } from '../command.js'
import { integer, rates, size } from '../limits.js'
import { usageError } from '../usage.js'

export class UpdateCommand extends GantryCommand {
  static override paths = [['update']]
  static override usage = Command.Usage({
    description: 'change the limits of a container',
    details:
      'Only what is given changes: all of it or, after an error, nothing. Sizes are bytes, or with k, m, g; -1 is no limit. A rate is ' +
      '/dev/NAME:RATE or MAJOR:MINOR:RATE, and 0 takes it away. Rules of devices come with --resources, and replace all rules.',
    examples: [
      ['Give a container more memory', '$0 update --memory 1g --memory-swap 2g web'],
      ['Any limits of the specification', `echo '{"pids":{"limit":100}}' | $0 update --resources - web`],
    ],
  })
  static override optionGroups = {
    Memory: ['--memory', '--memory-reservation', '--memory-swap', '--kernel-memory', '--kernel-memory-tcp'],
    Processors: [
      '--cpu-period',
      '--cpu-quota',
      '--cpu-burst',
      '--cpu-share',
      '--cpu-idle',
      '--cpu-rt-period',
      '--cpu-rt-runtime',
      '--cpuset-cpus',
      '--cpuset-mems',
    ],
    'Block devices': [
      '--blkio-weight',
      '--device-read-bps',
      '--device-write-bps',
      '--device-read-iops',
      '--device-write-iops',
    ],
    'Caches, of containers with linux.intelRdt': ['--l3-cache-schema', '--mem-bw-schema'],
  }

  id = Option.String()

  resources = Option.String('-r,--resources', {
    description: 'a file with linux.resources as JSON; - is standard input',
  })
  pids = Option.String('--pids-limit', { description: 'processes and threads' })
  memory = Option.String('--memory', { description: 'memory' })
  reservation = Option.String('--memory-reservation', { description: 'memory that is kept when others want it' })
  swap = Option.String('--memory-swap', { description: 'memory and swap together' })
  period = Option.String('--cpu-period', { description: 'microseconds after which the quota begins anew' })
  quota = Option.String('--cpu-quota', { description: 'microseconds of processor time in each period' })
  burst = Option.String('--cpu-burst', { description: 'microseconds that may be saved up' })
  shares = Option.String('--cpu-share', { description: 'weight against others, 2 to 262144' })
  idle = Option.String('--cpu-idle', { description: '1: only what nobody else wants' })
  realtimePeriod = Option.String('--cpu-rt-period', { description: 'the same for real-time scheduling' })
  realtimeRuntime = Option.String('--cpu-rt-runtime', { description: 'the same for real-time scheduling' })
  cpus = Option.String('--cpuset-cpus', { description: 'processors, as 0-2,5' })
  mems = Option.String('--cpuset-mems', { description: 'memory nodes' })
  weight = Option.String('--blkio-weight', { description: 'weight against others, 10 to 1000' })
  readBps = Option.Array('--device-read-bps', [], { description: 'bytes read a second; repeatable' })
  writeBps = Option.Array('--device-write-bps', [], { description: 'bytes written a second; repeatable' })
  readIops = Option.Array('--device-read-iops', [], { description: 'reads a second; repeatable' })
  writeIops = Option.Array('--device-write-iops', [], { description: 'writes a second; repeatable' })
  kernel = Option.String('--kernel-memory', { description: 'refused: no kernel since Linux 5.16 has this limit' })
  kernelTcp = Option.String('--kernel-memory-tcp', { description: 'buffers of TCP; cgroup v1' })

  // The second name is for clipanion, whose names have no digits.
  l3 = Option.String('--l3-cache-schema,--cache-schema', {
    description: 'shares of the L3 cache, as L3:0=ff;1=f; also --cache-schema',
  })
  bandwidth = Option.String('--mem-bw-schema', { description: 'shares of memory bandwidth, as MB:0=50;1=50' })

  override async execute(): Promise<void> {
    await updateContainer(this.session, await this.container(this.id), await this.given(), this.cacheShares())
  }

  private cacheShares(): CacheShares | undefined {
    if (this.l3 === undefined && this.bandwidth === undefined) return undefined
    const l3CacheSchema = line('--l3-cache-schema', this.l3, /^[^\n]+$/)
    const memBwSchema = line('--mem-bw-schema', this.bandwidth, /^MB:[^\n]+$/)
    return { ...(l3CacheSchema && { l3CacheSchema }), ...(memBwSchema && { memBwSchema }) }
  }

  private async given(): Promise<Resources> {
    const { host } = this.session
    const options = await this.options()
    if (this.resources === undefined) return checkResources('options', options)
    if (Object.keys(options).length > 0) throw usageError('--resources and other limits cannot be used together')
    return this.resources === '-'
      ? parseResources('standard input', await host.readInput())
      : parseResources(this.resources, await host.readText(this.resources))
  }

  /** The other options as linux.resources. */
  private async options(): Promise<object> {
    const { host } = this.session
    return some({
      memory: some({
        limit: size('--memory', this.memory),
        reservation: size('--memory-reservation', this.reservation),
        swap: size('--memory-swap', this.swap),
        kernel: size('--kernel-memory', this.kernel),
        kernelTCP: size('--kernel-memory-tcp', this.kernelTcp),
      }),
      cpu: some({
        shares: integer('--cpu-share', this.shares),
        quota: integer('--cpu-quota', this.quota),
        period: integer('--cpu-period', this.period),
        burst: integer('--cpu-burst', this.burst),
        realtimeRuntime: integer('--cpu-rt-runtime', this.realtimeRuntime),
        realtimePeriod: integer('--cpu-rt-period', this.realtimePeriod),
        idle: integer('--cpu-idle', this.idle),
        cpus: this.cpus,
        mems: this.mems,
      }),
      blockIO: some({
        weight: integer('--blkio-weight', this.weight),
        throttleReadBpsDevice: await rates(host, '--device-read-bps', this.readBps, size),
        throttleWriteBpsDevice: await rates(host, '--device-write-bps', this.writeBps, size),
        throttleReadIOPSDevice: await rates(host, '--device-read-iops', this.readIops, integer),
        throttleWriteIOPSDevice: await rates(host, '--device-write-iops', this.writeIops, integer),
      }),
      pids: some({ limit: integer('--pids-limit', this.pids) }),
    })
  }
}

/** A line for resctrl; undefined where it is not given. */
function line(option: string, text: string | undefined, form: RegExp): string | undefined {
  if (text !== undefined && !form.test(text)) throw usageError(`invalid line ${JSON.stringify(text)} for ${option}`)
  return text
}

/** The fields that say something: options that were given, sections with any. */
function some(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== undefined && !(isObject(value) && Object.keys(value).length === 0),
    ),
  )
}
