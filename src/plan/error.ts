/** A valid config that can't be carried out here: by this caller, on this machine. */

/** What stands in the way: no rights, the ids, the cgroups, or one of the request's own parts. */
export type Obstacle = 'permission' | 'userns' | 'cgroup' | 'request'

export class PlanError extends Error {
  override readonly name = 'PlanError'
  readonly obstacle: Obstacle
  /** The field or option that asks for it: `linux.resources.memory`. */
  readonly field: string

  constructor(obstacle: Obstacle, field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.obstacle = obstacle
    this.field = field
  }
}
