/**
 * Launches take turns. Planning is the work of this thread, and a hundred plans at a stretch would keep it from all else; a launch is
 * the work of processors, and more of them at once than there are processors are not done sooner, but keep this thread waiting.
 */
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'

const most = Math.max(2, availableParallelism())

/** Milliseconds. What takes longer waits for something else than a processor, a hook or a file system, and must not keep others waiting. */
const longest = 250

let underWay = 0
const waiting: (() => void)[] = []

/** Does the work when its turn comes, in a turn of the event loop that no other work begins in. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (underWay >= most || waiting.length > 0) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  } else underWay++
  let over = false
  const end = () => {
    if (!over) passOn()
    over = true
  }
  const timer = setTimeout(end, longest)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    end()
  }
}

function passOn(): void {
  const next = waiting.shift()
  if (next === undefined) underWay--
  else nextTurn().then(next)
}
