/** The `hooks` section of a config.json. */
import { absolutePath, arr, type Check, int, lazy, obj, text, UINT32_MAX, variables } from './check.js'
import type { Hook, Hooks } from './spec.js'

/** The kinds of hooks, in the order of a container's life. */
export const HOOKS = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const satisfies readonly (keyof Hooks)[]

export const hooks: Check<Hooks> = lazy(() => {
  const hook = obj<Hook>({ path: absolutePath }, { args: arr(text), env: variables, timeout: int(1, UINT32_MAX) })
  const list = arr(hook)
  return obj<Hooks>(
    {},
    {
      prestart: list,
      createRuntime: list,
      createContainer: list,
      startContainer: list,
      poststart: list,
      poststop: list,
    },
  )
})
