/** `linux.intelRdt` on this machine. What happens in a tree of resctrl has its tests in crates/engine/src/resctrl_tests.rs. */
import { readFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { likeRunc } from '../harness/runtime.js'

const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl ')

behaviour(
  'shares of caches are an error where resctrl is not mounted',
  { runtimes: likeRunc, unless: mounted ? 'resctrl is mounted here' : undefined },
  async (t, session) => {
    session.bundle({ edit: (spec) => (spec.linux.intelRdt = { closID: 'some', l3CacheSchema: 'L3:0=f' }) })
    const { code, message } = await session.run(['run', session.id()])
    t.is(code, 1)
    t.regex(message, /intel ?rdt|resctrl/i)
  },
)
