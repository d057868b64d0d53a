/** Which of our descriptors the container gets. All others are closed. */
import type { Descriptors } from '../host/plan.js'
import type { Request } from './request.js'

/**
 * The activated descriptors are ours from 3 on (sd_listen_fds(3)), those to preserve follow: so they are in the
 * container too. Those that are named come last.
 */
export function planDescriptors({
  stdio,
  listenFds,
  preserveFds,
  fds = [],
}: Pick<Request, 'stdio' | 'listenFds' | 'preserveFds' | 'fds'>): Descriptors {
  const first = 3
  const passed = Array.from({ length: listenFds + preserveFds }, (_, index) => first + index)
  return { stdio: [...stdio], inherit: [...passed, ...fds] }
}
