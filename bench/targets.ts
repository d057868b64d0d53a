/** What gantry is to reach, and whether it did in these measurements: a table that also tells what was missed. */
import type { Measurement } from './measure.js'
import { format, median } from './table.js'

/** A quantity made of medians; NaN where one of them is missing. */
type Quantity = (median: (task: Measurement['task'], contestant?: string) => number) => number

interface Target {
  readonly what: string
  readonly unit: '×' | 'ms'
  /** At most. */
  readonly wanted: number
  readonly quantity: Quantity
}

const ours = 'gantry'
const inNode = 'gantry in warm Node'

const ratio = (task: Measurement['task'], to: string, wanted: number): Target => ({
  what: `${task}, of ${to}’s`,
  unit: '×',
  wanted,
  quantity: (median) => median(task) / median(task, to),
})
const time = (task: Measurement['task'], wanted: number): Target => ({
  what: task,
  unit: 'ms',
  wanted,
  quantity: (median) => median(task),
})

const targets: readonly Target[] = [
  ratio('run', 'crun', 0.7),
  ratio('create+start+delete', 'crun', 0.7),
  ratio('state', 'crun', 0.4),
  ratio('exec', 'crun', 0.6),
  ratio('exec', 'runc', 0.25),
  ratio('update', 'crun', 1),
  ratio('pause+resume', 'crun', 1),
  ratio('terminal', 'script', 1),
  {
    what: 'run of a bundle in warm Node, of gantry’s',
    unit: '×',
    wanted: 0.7,
    quantity: (median) => median('run', inNode) / median('run'),
  },
  {
    what: 'run from Node, of crun’s without Node',
    unit: '×',
    wanted: 0.5,
    quantity: (median) => median('run from Node', inNode) / median('run', 'crun'),
  },
  {
    what: 'run from Node, of crun’s',
    unit: '×',
    wanted: 0.5,
    quantity: (median) => median('run from Node', inNode) / median('run from Node', 'crun'),
  },
  {
    what: 'run from Node, of bubblewrap’s',
    unit: '×',
    wanted: 1.2,
    quantity: (median) => median('run from Node', inNode) / median('run from Node', 'bubblewrap'),
  },
  time('state', 1),
  time('plan', 2),
  {
    what: 'plan of Docker’s, above version',
    unit: 'ms',
    wanted: 3,
    quantity: (median) => median('plan of Docker’s') - median('version'),
  },
  time('compile Docker’s seccomp', 0.5),
  time('start of init', 0.15),
]

/** A table in Markdown; targets of what was not measured are left out. */
export function targetTable(measurements: readonly Measurement[]): string {
  const medianOf = (task: Measurement['task'], contestant = ours) => {
    const found = measurements.find((one) => one.task === task && one.contestant === contestant)
    return found === undefined || typeof found.samples === 'string' ? Number.NaN : median(found.samples)
  }
  const rows = targets.flatMap(({ what, unit, wanted, quantity }) => {
    const measured = quantity(medianOf)
    if (Number.isNaN(measured)) return []
    const text = (value: number) => (unit === 'ms' ? `${value.toFixed(2)} ms` : value.toFixed(2))
    return [[what, text(wanted), text(measured), measured <= wanted ? 'reached' : 'missed']]
  })
  return rows.length === 0 ? '' : format([['what', 'at most', 'measured', ''], ...rows])
}
