/**
 * The hooks of runtime-spec (config.md): which run on the host, kept with the container's record, and which are steps of
 * init. docs/runtime-spec.md says when and where each runs.
 */
import type { Hook, HookOutput, HostHooks, InitHooks, RecordSeed, Step } from '../host/plan.js'
import type { Hook as Configured, Hooks, Spec } from '../spec/spec.js'
import type { Request } from './request.js'

/** Those of the host; undefined where there are none. */
export function hostHooks(spec: Spec, request: Request): HostHooks | undefined {
  const { prestart, createRuntime, poststart, poststop } = spec.hooks ?? {}
  if (![prestart, createRuntime, poststart, poststop].some((hooks) => hooks?.length)) return undefined
  return {
    prestart: plannedHooks(prestart),
    createRuntime: plannedHooks(createRuntime),
    poststart: plannedHooks(poststart),
    poststop: plannedHooks(poststop),
    output: hookOutput(spec, request),
  }
}

/** Once all is mounted, with the host's files still there. */
export function createHooks(spec: Spec, request: Request): Step[] {
  const { prestart, createRuntime, createContainer } = spec.hooks ?? {}
  return [
    ...(prestart?.length || createRuntime?.length ? ['hostHooks' as const] : []),
    ...(createContainer?.length
      ? [{ createContainerHooks: initHooks(createContainer, 'creating', spec, request) }]
      : []),
  ]
}

/** Whether some hook of a container's creation looks for its root at the place where the config has it. */
export function needsRootInPlace({ hooks }: Spec): boolean {
  return [hooks?.prestart, hooks?.createRuntime, hooks?.createContainer].some((hooks) => hooks?.length)
}

/** Right before the program, and with what it may do. */
export function startHooks(spec: Spec, request: Request): Step[] {
  const { startContainer } = spec.hooks ?? {}
  return startContainer?.length ? [{ startContainerHooks: initHooks(startContainer, 'created', spec, request) }] : []
}

function plannedHooks(hooks: Hooks[keyof Hooks] = []): Hook[] {
  return hooks.map(({ path, args = [], env = [], timeout }: Configured) => ({
    path,
    args: args.length === 0 ? [path] : [...args],
    env: [...env],
    ...(timeout !== undefined && { timeout }),
  }))
}

function initHooks(hooks: readonly Configured[], status: string, spec: Spec, request: Request): InitHooks {
  const { ociVersion, annotations = {} } = spec
  const known: Pick<RecordSeed, 'id' | 'bundle'> & { ociVersion: string; status: string; annotations?: object } = {
    ociVersion,
    id: request.id,
    status,
    bundle: request.bundle,
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
  return { hooks: plannedHooks(hooks), state: JSON.stringify(known), output: hookOutput(spec, request) }
}

/** crun's annotations; a relative path is one below the bundle. */
function hookOutput({ annotations = {} }: Spec, { bundle }: Request): HookOutput {
  const file = (stream: 'stdout' | 'stderr') => {
    const path = annotations[`run.oci.hooks.${stream}`]
    return path ? { [stream]: path.startsWith('/') ? path : `${bundle}/${path}` } : {}
  }
  return { ...file('stdout'), ...file('stderr') }
}
