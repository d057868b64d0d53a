import test from 'ava'
import { parseList } from '../../src/spec/lists.js'
import { checkSpec } from '../../src/spec/parse.js'

const lists: readonly [text: string, numbers: readonly number[] | undefined][] = [
  ['', []],
  ['0', [0]],
  ['0-3,7', [0, 1, 2, 3, 7]],
  ['7,0-1, 1 ,\n', [0, 1, 7]],
  ['8191', [8191]],
  ['8192', undefined],
  ['3-1', undefined],
  ['0-', undefined],
  ['-1', undefined],
  ['1-2-3', undefined],
  ['a', undefined],
]

for (const [text, numbers] of lists) {
  test(`the list ${JSON.stringify(text)} is ${numbers ? `[${numbers}]` : 'none'}`, (t) => {
    t.deepEqual(parseList(text), numbers)
  })
}

function check(process: object, linux: object = {}): unknown {
  return checkSpec('config.json', {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/', ...process },
    linux: { namespaces: [{ type: 'mount' }], ...linux },
  })
}

const deadline = { policy: 'SCHED_DEADLINE', runtime: 1, deadline: 2, period: 3 }

const accepted: readonly [process: object, linux?: object][] = [
  [{ scheduler: { policy: 'SCHED_OTHER', nice: 19 } }],
  [{ scheduler: deadline }],
  [{ scheduler: { ...deadline, period: 0 } }],
  // The kernel takes the parameters that are set already.
  [{ scheduler: { policy: 'SCHED_FIFO', flags: ['SCHED_FLAG_KEEP_PARAMS'] } }],
  [{ ioPriority: { class: 'IOPRIO_CLASS_IDLE' } }],
  [{ execCPUAffinity: { initial: '', final: '0-1' } }],
  [{}, { personality: { domain: 'LINUX32', flags: [] } }],
  [{}, { memoryPolicy: { mode: 'MPOL_PREFERRED' } }],
  [{}, { memoryPolicy: { mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0-1' } }],
]

for (const [process, linux] of accepted) {
  test(`${JSON.stringify(linux ?? process)} is accepted`, (t) => {
    t.notThrows(() => check(process, linux))
  })
}

const refused: readonly [message: RegExp, process: object, linux?: object][] = [
  [
    /process\.scheduler\.policy: expected one of SCHED_OTHER, .*found "SCHED_FAIR"/,
    { scheduler: { policy: 'SCHED_FAIR' } },
  ],
  [/process\.scheduler\.policy: .*found nothing/, { scheduler: {} }],
  [/process\.scheduler\.nice: .*from -20 to 19, found 20/, { scheduler: { policy: 'SCHED_OTHER', nice: 20 } }],
  [/process\.scheduler\.priority: expected 1 to 99 for SCHED_RR, found 0/, { scheduler: { policy: 'SCHED_RR' } }],
  [/process\.scheduler\.priority: only SCHED_FIFO and SCHED_RR/, { scheduler: { policy: 'SCHED_IDLE', priority: 1 } }],
  [/process\.scheduler\.nice: only SCHED_OTHER and SCHED_BATCH/, { scheduler: { policy: 'SCHED_IDLE', nice: 1 } }],
  [/process\.scheduler: only SCHED_DEADLINE has runtime/, { scheduler: { policy: 'SCHED_OTHER', period: 1 } }],
  [/process\.scheduler\.runtime: 3 is more than the deadline 2/, { scheduler: { ...deadline, runtime: 3 } }],
  [/process\.scheduler\.deadline: 4 is more than the period 3/, { scheduler: { ...deadline, deadline: 4 } }],
  [/process\.scheduler\.flags\[0\]: expected one of/, { scheduler: { policy: 'SCHED_OTHER', flags: ['SCHED_FLAG'] } }],
  [/process\.ioPriority\.priority: .*from 0 to 7, found 8/, { ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 8 } }],
  [/process\.execCPUAffinity\.final: expected a list/, { execCPUAffinity: { final: '3-1' } }],
  [/linux\.personality\.domain: expected one of LINUX, LINUX32/, {}, { personality: { domain: 'BSD' } }],
  [/linux\.personality\.flags: expected at most 0 entries/, {}, { personality: { domain: 'LINUX', flags: ['x'] } }],
  [/linux\.memoryPolicy\.nodes: expected at least one/, {}, { memoryPolicy: { mode: 'MPOL_BIND' } }],
  [/linux\.memoryPolicy\.nodes: expected none/, {}, { memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } }],
  [
    /linux\.memoryPolicy\.flags: .* exclude each other/,
    {},
    { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] } },
  ],
]

for (const [message, process, linux] of refused) {
  test(`${JSON.stringify(linux ?? process)} is refused by its field`, (t) => {
    t.throws(() => check(process, linux), { name: 'SpecError', message })
  })
}
