/** The measurements as a table in Markdown: medians, minima, and how they compare with crun's median. */
import { written } from './bundle.js'
import type { Measurement } from './measure.js'

/** What ratios refer to: the fastest of the runtimes in use. */
const reference = 'crun'

export function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => row(measurement, measurements))
  const failures = measurements.flatMap(({ contestant, task, samples }) =>
    typeof samples === 'string' ? [`${contestant}, ${task}: ${samples}`] : [],
  )
  const head = ['task', 'contestant', 'median', 'minimum', `of ${reference}'s median`]
  return [format([head, ...rows]), ...failures].join('\n')
}

function row({ task, contestant, samples }: Measurement, all: readonly Measurement[]): string[] {
  if (typeof samples === 'string') return [task, contestant, 'failed', '', '']
  const middle = median(samples)
  const other = all.find((one) => one.task === task && one.contestant === reference)?.samples
  const ratio = other === undefined || typeof other === 'string' ? '' : (middle / median(other)).toFixed(2)
  return [task, contestant, quantity(task, middle), quantity(task, Math.min(...samples)), ratio]
}

function quantity(task: Measurement['task'], value: number): string {
  if (task.startsWith('memory')) return `${(value / 1024).toFixed(1)} MiB`
  const rate = task === 'terminal' ? ` (${((written / value) * 1e3).toFixed(0)} MiB/s)` : ''
  return `${value.toFixed(2)} ms${rate}`
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((one, other) => one - other)
  const [low = Number.NaN, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (low + high) / 2
}

export function format(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const [head = '', ...body] = rows.map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  )
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n')
}
