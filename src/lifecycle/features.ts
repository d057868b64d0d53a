/** `features`: what we do, in the form of the OCI runtime specification (features.md). An entry that is missing says nothing. */
import { CAPABILITIES } from '../plan/capabilities.js'
import { MOUNT_OPTIONS } from '../plan/options.js'
import { MEMORY_FLAGS, MEMORY_MODES } from '../spec/attributes.js'
import { HOOKS } from '../spec/hooks.js'
import { NAMESPACES } from '../spec/process.js'
import { ACTIONS, ARCHITECTURES, FLAGS, OPERATORS } from '../spec/seccomp.js'
import { commit, specVersion, version } from '../version.js'

/** Callers decide by it what they ask of us: containerd and CRI-O for user namespaces and recursive read-only mounts. */
export function features() {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: HOOKS,
    mountOptions: MOUNT_OPTIONS,
    linux: {
      namespaces: [...NAMESPACES].sort(),
      capabilities: CAPABILITIES,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: ACTIONS,
        operators: OPERATORS,
        archs: ARCHITECTURES,
        knownFlags: FLAGS,
        supportedFlags: FLAGS,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: { modes: Object.keys(MEMORY_MODES), flags: Object.keys(MEMORY_FLAGS) },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: {
      'gantry.version': version,
      ...(commit !== '' && { 'gantry.commit': commit }),
      'org.opencontainers.runc.checkpoint.enabled': 'false',
    },
    // Whoever lets an image's annotations into a config has to know of them.
    potentiallyUnsafeConfigAnnotations: [
      'org.systemd.property.',
      'run.oci.delegate-cgroup',
      'run.oci.hooks.',
      'run.oci.keep_original_groups',
      'run.oci.pidfd_receiver',
      'run.oci.systemd.subgroup',
    ],
  }
}
