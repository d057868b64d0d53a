/** Lists of processors and memory nodes: "List format" of cpuset(7). */

/** More than any kernel is built for: CONFIG_NR_CPUS is at most 8192. */
const LARGEST = 8191

/** The numbers of a list such as `0-3,7`, in ascending order, each once; undefined for what is none. */
export function parseList(text: string): number[] | undefined {
  const numbers = new Set<number>()
  for (const part of text.split(',')) {
    const trimmed = part.trim()
    if (trimmed === '') continue
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(trimmed) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (!(from <= to && to <= LARGEST)) return undefined
    for (let number = from; number <= to; number++) numbers.add(number)
  }
  return [...numbers].sort((a, b) => a - b)
}
