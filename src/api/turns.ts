/** Launches take turns: planning is the work of this thread, and a hundred plans at a stretch would keep it from all else. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** As many as the addon has threads for, and a few that are ready. */
const most = 8

let underWay = 0
const waiting: (() => void)[] = []

/** Does the work when its turn comes, in a turn of the event loop that no other work begins in. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (underWay >= most || waiting.length > 0) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
  } else underWay++
  try {
    return await work()
  } finally {
    passOn()
  }
}

function passOn(): void {
  const next = waiting.shift()
  if (next === undefined) underWay--
  else nextTurn().then(next)
}
