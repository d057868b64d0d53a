import test from 'ava'
import { refuseUnsupported } from '../../src/spec/unsupported.js'

const asked: readonly { readonly field: string; readonly config: object }[] = [
  { field: 'hooks.prestart', config: { hooks: { poststop: [], prestart: [{ path: '/bin/true' }] } } },
  { field: 'process.apparmorProfile', config: { process: { apparmorProfile: 'docker-default' } } },
  { field: 'process.selinuxLabel', config: { process: { selinuxLabel: 'a:b:c' } } },
  { field: 'process.scheduler', config: { process: { scheduler: { policy: 'SCHED_FIFO' } } } },
  { field: 'process.ioPriority', config: { process: { ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 0 } } } },
  { field: 'process.execCPUAffinity', config: { process: { execCPUAffinity: { initial: '0' } } } },
  { field: 'linux.intelRdt', config: { linux: { intelRdt: { closID: 'x' } } } },
  { field: 'linux.netDevices', config: { linux: { netDevices: { eth0: { name: 'x' } } } } },
  { field: 'linux.memoryPolicy', config: { linux: { memoryPolicy: { mode: 'MPOL_DEFAULT' } } } },
  { field: 'linux.personality', config: { linux: { personality: { domain: 'LINUX32' } } } },
  { field: 'linux.mountLabel', config: { linux: { mountLabel: 'a:b:c' } } },
]

for (const { field, config } of asked) {
  test(`${field} is refused by its name`, (t) => {
    t.throws(() => refuseUnsupported(config), { name: 'UnsupportedError', message: `${field}: not supported yet` })
  })
}

test('sections that say nothing ask for nothing', (t) => {
  t.notThrows(() =>
    refuseUnsupported({
      hooks: { prestart: [], poststop: null },
      process: { apparmorProfile: '', selinuxLabel: '', scheduler: null, execCPUAffinity: { initial: '', final: '' } },
      linux: {
        intelRdt: {},
        netDevices: {},
        mountLabel: '',
      },
    }),
  )
})
