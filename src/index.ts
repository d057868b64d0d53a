/**
 * What `import 'gantry'` gives: containers for Node programs, without a process in between. docs/api.md tells how.
 *
 * Nothing is loaded from disk and nothing asked of the machine before the first call.
 */

export type { Archive, UntarOptions } from './api/archive.js'
export type { BoxOptions, Limits, Network } from './api/box.js'
export type { LifetimeOptions } from './api/child.js'
export type { Line } from './api/collect.js'
export type { Container, KillOptions, WaitOptions } from './api/container.js'
export type { WarningOptions } from './api/context.js'
export { type Configuration, type CreateOptions, create, list, open, type RootOptions } from './api/create.js'
export { doctor } from './api/doctor.js'
export type { ExecOptions } from './api/exec.js'
export { type Features, features, type SpecOptions, spec } from './api/features.js'
export type { ContainerFs, FileEntry, FileStatus, WriteOptions } from './api/files.js'
export type { Proc, ProcOptions } from './api/proc.js'
export { type Encoding, type Result, RunError } from './api/result.js'
export type { DirectoryRootfs, HostRootfs, LayoutRootfs, Rootfs, TarRootfs } from './api/rootfs.js'
export { type RunOptions, run } from './api/run.js'
export { type SandboxOptions, sandbox } from './api/sandbox.js'
export type { Input, Output, StdioOptions } from './api/stdio.js'
export type { StopOptions } from './api/stop.js'
export type { TerminalOptions, TerminalSize } from './api/terminal.js'
export type { ContainerEvent, WatchOptions } from './api/watch.js'
export { type ErrorCode, GantryError } from './errors.js'
export type { Check, Diagnosis } from './lifecycle/doctor.js'
export type { State } from './lifecycle/state.js'
export type { Resources, Spec } from './spec/spec.js'
export type { Stats } from './stats/summary.js'
export type { Pressure, PressureLine } from './stats/texts.js'
export { version } from './version.js'
