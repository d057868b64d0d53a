/** A container that stays while a test does something with it. */
import type { BundleOptions, Session } from './session.js'

/** Runs one, `sleep` unless the options say otherwise, and deletes it afterwards. */
export async function inContainer(
  session: Session,
  options: BundleOptions,
  use: (id: string) => Promise<void>,
): Promise<void> {
  session.bundle({ args: ['sleep', '600'], ...options })
  await session.ok(['run', '--detach', session.id()])
  await use(session.id())
  await session.ok(['delete', '--force', session.id()])
}
