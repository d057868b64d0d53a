/** `doctor`: whether sandboxes can be had here, and why not. */
import { type Diagnosis, diagnose } from '../lifecycle/doctor.js'
import { apiContext, guarded } from './context.js'
import { run } from './run.js'

/** Looks at what this machine, and this user on it, can do, and runs a command in a sandbox. What is wrong is in the result. */
export function doctor(): Promise<Diagnosis> {
  return guarded(() =>
    diagnose(apiContext().host, async () => {
      await run(['true'], { cwd: '/', check: true })
    }),
  )
}
