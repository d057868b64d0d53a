/** `state`: a container as the OCI runtime specification describes it, plus what runc adds. */
import type { ContainerRef, Host, Inspection, Status } from '../host/host.js'

/** The keys stand in runc's order, which is the order in which they are printed. */
export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: Status
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  /** Absent without any. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Empty, as runc has it, but in lists. */
  readonly owner: string
}

export async function containerState(host: Host, container: ContainerRef): Promise<State> {
  return describe(await host.inspect(container), '')
}

export function describe(inspection: Inspection, owner: string): State {
  const { ociVersion, id, pid, status, bundle, rootfs, created } = inspection
  // Go prints maps by sorted keys.
  const annotations = Object.entries(inspection.annotations).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ociVersion,
    id,
    pid,
    status,
    bundle,
    rootfs,
    created,
    ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }),
    owner,
  }
}
